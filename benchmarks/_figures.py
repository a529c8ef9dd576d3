"""One measured figure, as a line of JSON that `make bench` collects and a person can read."""

import json


def figure(name: str, value: float, unit: str, *, target: float | None = None, holds: bool = True) -> None:
    """`target` None: told, not demanded; `holds` then stays True."""
    rounded = value if isinstance(value, int) else round(value, 3)
    line = {"name": name, "value": rounded, "unit": unit, "target": target, "holds": bool(holds)}
    print(json.dumps(line, ensure_ascii=False), flush=True)
