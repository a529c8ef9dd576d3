"""What gunicorn serves: `webapp.wsgi:app`."""

from study.db import Database
from study.migrate import check_current
from webapp import create_app, logs, pulse
from webapp.clock import SiteClock, Steps
from webapp.settings import Settings

logs.configure()
settings = Settings()
database = Database(settings.database_url)
check_current(database)
clock = SiteClock(database)
app = create_app(settings, database, clock=clock)
pulse.start(app, database, clock, Steps(clock))
