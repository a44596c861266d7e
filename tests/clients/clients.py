"""Drivers and tools of others against stored copies and their views: what they list first is what users need."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.environ["ROOT"]
CLIENTS = os.environ["CLIENTS"]
HOST, PORT, DATABASE = os.environ["PGHOST"], os.environ["PGPORT"], os.environ["PGDATABASE"]
COPIES = {"plan", "users", "admins", "teams"}
VIEWS = {"accounts", "licenses", "seats", "idle_licenses", "seat_costs", "report_summary", "seats_by_month", "data_freshness"}
INTERNAL = {"settings", "refresh_log", "erased_people"}


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def query(statement, role="postgres", host=HOST, port=PORT):
    psql = os.path.join(os.environ["BEHAVIOUR_BIN"], "psql")
    return run(psql, "-XAtq", "-h", host, "-p", str(port), "-U", role, "-d", DATABASE, "-c", statement).strip()


def accounts():
    return int(query("SELECT count(*) FROM pluralsight_copy.accounts"))


def sqlalchemy_reflects():
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"postgresql+psycopg://analyst@/{DATABASE}?host={HOST}&port={PORT}")
    inspector = sqlalchemy.inspect(engine)
    assert COPIES <= set(inspector.get_table_names(schema="pluralsight_copy"))
    assert VIEWS <= set(inspector.get_view_names(schema="pluralsight_copy"))
    metadata = sqlalchemy.MetaData()
    metadata.reflect(bind=engine, schema="pluralsight_copy", views=True)
    table = metadata.tables["pluralsight_copy.accounts"]
    assert isinstance(table.c.product_ids.type, sqlalchemy.ARRAY), table.c.product_ids.type
    assert table.c.user_id.comment
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.select(table.c.user_id, table.c.product_ids)).all()
    assert len(rows) == accounts()
    # Live tables are listed as what they are.
    live = sqlalchemy.inspect(sqlalchemy.create_engine(f"postgresql+psycopg://postgres@/{DATABASE}?host={HOST}&port={PORT}"))
    assert COPIES <= set(live.get_foreign_table_names(schema="pluralsight"))
    return sqlalchemy.__version__


def pandas_reads_tables():
    import pandas
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"postgresql+psycopg://analyst@/{DATABASE}?host={HOST}&port={PORT}")
    frame = pandas.read_sql_table("accounts", engine, schema="pluralsight_copy")
    assert len(frame) == accounts()
    assert str(frame.licensed_at.dtype).startswith("datetime64"), frame.licensed_at.dtype
    assert frame.is_active.dropna().isin([True, False]).all()
    seats = pandas.read_sql_table("seats", engine, schema="pluralsight_copy")
    assert len(seats) == int(query("SELECT sum(cardinality(product_ids)) FROM pluralsight_copy.users"))
    return pandas.__version__


def psycopg_prepares():
    import psycopg

    with psycopg.connect(host=HOST, port=PORT, user="analyst", dbname=DATABASE) as connection:
        for _ in range(8):
            found = connection.execute("SELECT count(*) FROM pluralsight_copy.seats WHERE days_idle >= %s", [90]).fetchone()[0]
        assert found == int(query("SELECT count(*) FROM pluralsight_copy.seats WHERE days_idle >= 90"))
    return psycopg.__version__


def postgrest_like_roles_read():
    statement = """BEGIN READ ONLY; SET LOCAL ROLE analyst; SET LOCAL search_path = pluralsight_copy;
        SELECT coalesce(json_agg(row), '[]') FROM (SELECT email, reclaim_reason FROM report_people LIMIT 3) AS row; COMMIT"""
    assert len(json.loads(query(statement, role="authenticator"))) == 3
    return ""


def node_postgres_reads():
    counted = run("node", os.path.join(ROOT, "tests/clients/pg.js"))
    assert int(counted) == accounts()
    return json.load(open(os.path.join(CLIENTS, "node_modules/pg/package.json")))["version"]


class PgBouncer:
    """In front of the server, over TCP, one server connection for all clients: transactions share it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="pgbouncer.")
        self.port = free_port()
        path = os.path.join(self.folder, "pgbouncer.ini")
        with open(path, "w") as file:
            file.write(f"""[databases]
{DATABASE} = host={HOST} port={PORT} dbname={DATABASE}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {self.folder}/users
pool_mode = transaction
default_pool_size = 1
ignore_startup_parameters = extra_float_digits
""")
        with open(os.path.join(self.folder, "users"), "w") as file:
            file.write('"analyst" ""\n"postgres" ""\n')
        command = [shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", path]
        options = {}
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            options["user"] = "postgres"
            for name in os.listdir(self.folder):
                shutil.chown(os.path.join(self.folder, name), "postgres")
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **options)
        wait_for_port(self.port, self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port, process):
    import socket

    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, "it ended"
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, "nothing listens"
        time.sleep(0.05)


def pgbouncer_shares_connections():
    with PgBouncer() as bouncer:
        for role in ["analyst", "postgres", "analyst"]:
            found = query("SELECT count(*) FROM pluralsight_copy.accounts", role=role, host="127.0.0.1", port=bouncer.port)
            assert int(found) == accounts()
        # Live tables as well: what a session learned of the API is of use to the next client.
        for _ in range(2):
            live = query("SELECT count(*) FROM pluralsight.users", host="127.0.0.1", port=bouncer.port)
            assert live == query("SELECT count(*) FROM pluralsight_copy.users")
        query("CALL pluralsight_fdw.refresh()", host="127.0.0.1", port=bouncer.port)
    return run(shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", "--version").split()[1]


def jdbc_lists_tables():
    with PgBouncer() as bouncer:
        driver = "/usr/share/java/postgresql.jar"
        output = run("java", "-cp", driver, os.path.join(ROOT, "tests/clients/Tables.java"), str(bouncer.port), DATABASE, "analyst", "pluralsight_copy")
    lines = [line.split() for line in output.splitlines()]
    kinds = {line[0]: line[1] for line in lines}
    assert all(kinds.get(name) == "TABLE" for name in COPIES), kinds
    assert all(kinds.get(name) == "VIEW" for name in VIEWS), kinds
    assert all(line[2] == "true" for line in lines if len(line) == 3), "each has a remark"
    assert kinds["product_ids"] == "_text"
    return kinds["driver"]


def duckdb_attaches():
    import duckdb
    from duckdb_extensions import import_extension

    import_extension("postgres_scanner")
    connection = duckdb.connect()
    connection.execute("LOAD postgres_scanner")
    connection.execute(f"ATTACH 'host={HOST} port={PORT} user=analyst dbname={DATABASE}' AS pluralsight (TYPE postgres, READ_ONLY)")
    assert connection.sql("SELECT count(*) FROM pluralsight.pluralsight_copy.accounts").fetchone()[0] == accounts()
    seats = connection.sql("SELECT sum(len(product_ids)) FROM pluralsight.pluralsight_copy.users").fetchone()[0]
    assert seats == int(query("SELECT sum(cardinality(product_ids)) FROM pluralsight_copy.users"))
    return duckdb.__version__


def psql_completes_names():
    psql = os.path.join(os.environ["BEHAVIOUR_BIN"], "psql")
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="dumb", PAGER="cat", INPUTRC="/dev/null", PSQL_HISTORY="/dev/null")
        os.execv(psql, [psql, "-X", "-h", HOST, "-p", PORT, "-U", "postgres", "-d", DATABASE])
    seen = ""

    def until(pattern):
        nonlocal seen
        deadline = time.monotonic() + 30
        while not re.search(pattern, seen):
            assert time.monotonic() < deadline, f"{pattern} does not come: {seen!r}"
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace")

    until(r"=# ")
    os.write(terminal, b"SELECT * FROM pluralsight_copy.seats_by\t")
    until(r"seats_by_month")
    os.write(terminal, b"\x15\\df pluralsight_fdw.report\t")
    until(r"report_html")
    os.write(terminal, b"\x15CALL pluralsight_fdw.refr\t")
    until(r"refresh")
    os.write(terminal, b"\x15\\q\n")
    os.waitpid(child, 0)
    return run(psql, "--version").split()[2]


def dbt_builds():
    environment = {**os.environ, "PGUSER": "analyst", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    folder = tempfile.mkdtemp(prefix="dbt.")
    shutil.copytree(os.path.join(ROOT, "examples/dbt"), folder, dirs_exist_ok=True)
    dbt = os.path.join(os.path.dirname(sys.executable), "dbt")
    for command in [["build"], ["source", "freshness"]]:
        run(dbt, *command, "--profiles-dir", ".", cwd=folder, env=environment)
    held = query("SELECT count(*) FROM seats.reclaimable_seats")
    assert held == query("SELECT count(reclaim_reason) FROM pluralsight_copy.seat_costs")
    shutil.rmtree(folder)
    return re.search(r"postgres: (\S+)", run(dbt, "--version", env=environment)).group(1)


def prometheus_scrapes():
    folder = os.path.join(ROOT, "examples/prometheus")
    assert "3 rules found" in run("promtool", "check", "rules", os.path.join(folder, "alerts.yaml"))
    port = free_port()
    environment = {**os.environ, "DATA_SOURCE_NAME": f"host={HOST} port={PORT} user=exporter dbname={DATABASE} sslmode=disable"}
    command = ["prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{port}", "--disable-default-metrics", "--disable-settings-metrics", f"--extend.query-path={folder}/queries.yaml"]
    exporter = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, exporter)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
            metrics = reply.read().decode()
    finally:
        exporter.terminate()
        exporter.wait()
    for metric in re.findall(r"pluralsight_\w+", open(os.path.join(folder, "alerts.yaml")).read()):
        if metric not in ("pluralsight_copy", "pluralsight_fdw"):
            assert re.search(rf"^{metric}\{{", metrics, re.M), f"{metric} is not scraped"
    assert re.search(r'^pluralsight_copy_last_refresh_failed\{.*table_name="users".*\} 0', metrics, re.M)
    # On which of the two it tells its version depends on the version.
    told = subprocess.run(["prometheus-postgres-exporter", "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return re.search(r"version (\S+?)[ ,]", told).group(1)


def superset_shows_the_dashboard():
    import superset_dashboard

    return superset_dashboard.shows_what_the_views_answer()


CLIENTS_UNDER_TEST = [
    ("SQLAlchemy", sqlalchemy_reflects),
    ("pandas", pandas_reads_tables),
    ("psycopg", psycopg_prepares),
    ("roles as PostgREST uses them", postgrest_like_roles_read),
    ("node-postgres", node_postgres_reads),
    ("PgBouncer, transaction pooling", pgbouncer_shares_connections),
    ("PostgreSQL JDBC driver", jdbc_lists_tables),
    ("DuckDB", duckdb_attaches),
    ("psql, tab completion", psql_completes_names),
    ("dbt-postgres", dbt_builds),
    ("postgres_exporter and promtool", prometheus_scrapes),
    ("Superset", superset_shows_the_dashboard),
]


def main():
    failed = 0
    wanted = sys.argv[1:]
    tests = [(name, test) for name, test in CLIENTS_UNDER_TEST if not wanted or name in wanted]
    for name, test in tests:
        try:
            print(f"ok      {name} {test()}", flush=True)
        except Exception as error:  # Each is told, and the others run on.
            failed += 1
            print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
