"""What gunicorn serves: `webapp.wsgi:app`."""

from study.db import Database
from study.migrate import check_current
from webapp import create_app, logs
from webapp.settings import Settings

logs.configure()
settings = Settings()
database = Database(settings.database_url)
check_current(database)
app = create_app(settings, database)
