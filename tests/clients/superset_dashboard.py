"""examples/superset in a real Superset: each chart is asked for its data, which has to be what the views answer."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import clients

with open(os.path.join(clients.ROOT, "tests/clients/superset.txt")) as file:
    VERSION = file.readline().strip().partition("==")[2]
MILLISECONDS = "(extract(epoch FROM {}) * 1000)::double precision"

# What each chart has to show: the columns, as Superset names them, and a query for them.
EXPECTED = {
    "Seats bought": (["bought"], "SELECT sum(purchased) FROM pluralsight_copy.licenses"),
    "Seats held": (["held"], "SELECT sum(cardinality(product_ids)) FROM pluralsight_copy.users"),
    "Seats that could come back": (["could come back"], "SELECT count(reclaim_reason) FROM pluralsight_copy.seat_costs"),
    "Seats left to assign": (["free"], "SELECT sum(remaining) FROM pluralsight_copy.licenses"),
    "What they cost a year": (
        ["currency", "cost a year"],
        "SELECT currency, sum(price) FROM pluralsight_copy.seat_costs WHERE reclaim_reason IS NOT NULL AND price IS NOT NULL GROUP BY currency",
    ),
    "What was bought and who uses it": (
        ["product", "used", "could come back", "free"],
        "SELECT product_name, used, to_reclaim, remaining FROM pluralsight_copy.report_products",
    ),
    "Seats by month with forecast": (
        ["month", "line", "seats"],
        f"""SELECT {MILLISECONDS.format("month")}, product_name || ', held', seats
        FROM pluralsight_copy.seats_by_month WHERE seats IS NOT NULL
        UNION ALL
        SELECT {MILLISECONDS.format("month")}, product_name || ', bought', purchased
        FROM pluralsight_copy.seats_by_month WHERE purchased IS NOT NULL
        UNION ALL
        SELECT {MILLISECONDS.format("date_trunc('month', now() AT TIME ZONE 'UTC') + later * interval '1 month'")}, product_name || ', forecast',
            round(GREATEST(assigned + later * assigned_per_month, 0))
        FROM pluralsight_copy.license_forecast, generate_series(0, 6) AS later WHERE confidence <> 'none'""",
    ),
    "Products": (
        ["product", "purchased", "seats", "used", "to_reclaim", "remaining", "price", "to_reclaim_cost", "currency"],
        "SELECT product_name, purchased, seats, used, to_reclaim, remaining, price, to_reclaim_cost, currency FROM pluralsight_copy.report_products",
    ),
    "When licenses run out": (
        ["product", "purchased", "assigned", "remaining", "assigned_per_month", "runs_out_on", "confidence"],
        f"""SELECT product_name, purchased, assigned, remaining, assigned_per_month, {MILLISECONDS.format("runs_out_on")}, confidence
        FROM pluralsight_copy.license_forecast""",
    ),
    "Why seats could come back": (
        ["reclaim_reason", "seats", "people", "cost", "currency"],
        """SELECT reclaim_reason, count(*), count(DISTINCT user_id), sum(price), currency FROM pluralsight_copy.seat_costs
        WHERE reclaim_reason IS NOT NULL GROUP BY reclaim_reason, currency""",
    ),
    "Cost centers": (
        ["cost_center", "people", "seats", "cost", "seats_to_reclaim", "cost_to_reclaim", "currency"],
        """SELECT cost_center, count(DISTINCT user_id), count(*), sum(price), count(reclaim_reason),
            sum(price) FILTER (WHERE reclaim_reason IS NOT NULL), currency
        FROM pluralsight_copy.seat_costs GROUP BY cost_center, currency""",
    ),
    "Whom to ask": (
        ["manager_email", "people", "seats", "cost", "currency"],
        """SELECT manager_email, count(DISTINCT user_id), count(*), sum(price), currency FROM pluralsight_copy.seat_costs
        WHERE reclaim_reason IS NOT NULL GROUP BY manager_email, currency""",
    ),
    "Whose seats could come back": (
        ["email", "reclaim_reason", "seats", "cost"],
        """SELECT email, reclaim_reason, count(*), sum(price) FROM pluralsight_copy.seat_costs
        WHERE reclaim_reason IS NOT NULL GROUP BY user_id, email, reclaim_reason""",
    ),
    "How fresh the copies are": (
        ["table_name", "rows", "as_of", "last_refresh_failed", "last_outcome", "last_error"],
        f"""SELECT table_name, rows, {MILLISECONDS.format("as_of")}, last_refresh_failed, last_outcome, last_error
        FROM pluralsight_copy.data_freshness""",
    ),
}


def comparable(rows):
    """Rows in an order of their own, and numbers without regard to how they are written. An instant is a number of milliseconds
    and exact to the microsecond; what a double holds beyond that depends on who computed it."""
    return sorted(([round(float(value), 3) if isinstance(value, (int, float)) else value for value in row] for row in rows), key=repr)


class Superset:
    """A server of its own, with the dashboard imported. Its database is made once, and copied for each run."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="superset.")
        self.bin = os.path.join(clients.CLIENTS, f"superset-{VERSION}/bin/superset")
        made = os.path.join(clients.CLIENTS, f"superset-{VERSION}.db")
        self.environment = {**os.environ, "FLASK_APP": "superset", "SUPERSET_HOME": self.folder, "SUPERSET_CONFIG_PATH": os.path.join(self.folder, "config.py")}
        self.database = os.path.join(self.folder, "superset.db")
        with open(self.environment["SUPERSET_CONFIG_PATH"], "w") as file:
            file.write(f"SECRET_KEY = 'of this run, which keeps nothing secret'\nSQLALCHEMY_DATABASE_URI = 'sqlite:///{self.database}'\n")
        if not os.path.exists(made):
            self.run("db", "upgrade")
            self.run("init")
            self.run("fab", "create-admin", "--username", "admin", "--firstname", "A", "--lastname", "B", "--email", "admin@meridian.example", "--password", "admin")
            shutil.move(self.database, made)
        shutil.copy(made, self.database)

    def run(self, *command):
        return clients.run(self.bin, *command, env=self.environment, cwd=self.folder)

    def load(self):
        """As docs/clients.md says it, with the server's address filled in."""
        example = os.path.join(self.folder, "superset")
        shutil.copytree(os.path.join(clients.ROOT, "examples/superset"), example)
        path = os.path.join(example, "databases/Pluralsight.yaml")
        with open(path) as file:
            lines = file.read().splitlines()
        address = f"postgresql+psycopg2://analyst@/{clients.DATABASE}?{urllib.parse.urlencode({'host': clients.HOST, 'port': clients.PORT})}"
        with open(path, "w") as file:
            file.writelines(f"sqlalchemy_uri: '{address}'\n" if line.startswith("sqlalchemy_uri:") else line + "\n" for line in lines)
        archive = shutil.make_archive(example, "zip", self.folder, "superset")
        self.run("import-dashboards", "--path", archive, "--username", "admin")

    def __enter__(self):
        self.load()
        self.port = clients.free_port()
        command = [self.bin, "run", "--host", "127.0.0.1", "--port", str(self.port), "--no-reload"]
        self.process = subprocess.Popen(command, env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        clients.wait_for_port(self.port, self.process)
        login = {"username": "admin", "password": "admin", "provider": "db"}
        self.token = self.ask("security/login", login)["access_token"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1/{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        else:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error}: {error.read().decode()}") from error


def shows_what_the_views_answer():
    with Superset() as superset:
        charts = superset.ask("dashboard/pluralsight-seats/charts")["result"]
        assert {chart["slice_name"] for chart in charts} == set(EXPECTED)
        for chart in charts:
            name = chart["slice_name"]
            columns, statement = EXPECTED[name]
            shown = superset.ask(f"chart/{chart['id']}/data/")["result"][0]["data"]
            held = clients.query(f"SELECT coalesce(json_agg(json_build_array({', '.join(f'c{n}' for n in range(len(columns)))})), '[]') FROM ({statement}) AS held ({', '.join(f'c{n}' for n in range(len(columns)))})")
            shown, held = comparable([row[column] for column in columns] for row in shown), comparable(json.loads(held))
            assert held and shown == held, f"{name}: {shown} instead of {held}"
    return VERSION
