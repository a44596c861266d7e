"""What people do without this extension: read all users with requests, page by page, and COPY them into a table.

Usage: requests_copy.py URL TOKEN PAGE_SIZE, with the database in PGHOST, PGUSER and PGDATABASE. Prints the number of rows.
"""

import subprocess
import sys

import requests

COLUMNS = [
    "psUserId", "email", "additionalEmails", "firstName", "lastName", "isOnAccount", "removedOn", "lastLogin",
    "startedOn", "createdOn", "note", "productIds", "ssoEnabled", "currentSsoIdentifier", "mfaEnabled", "planId",
]
QUERY = """
query ($first: Int, $after: String) {
  users(first: $first, after: $after) {
    nodes { %s teams { edges { isDirect node { id name } } } }
    pageInfo { hasNextPage endCursor }
  }
}
""" % " ".join(COLUMNS)


def pages(url, token, page_size):
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    after = None
    while True:
        answer = session.post(url, json={"query": QUERY, "variables": {"first": page_size, "after": after}}, timeout=30)
        answer.raise_for_status()
        users = answer.json()["data"]["users"]
        yield users["nodes"]
        if not users["pageInfo"]["hasNextPage"]:
            return
        after = users["pageInfo"]["endCursor"]


def array(values):
    if values is None:
        return None
    return "{" + ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values) + "}"


def field(value):
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def main():
    url, token, page_size = sys.argv[1:]
    lines = []
    for nodes in pages(url, token, int(page_size)):
        for node in nodes:
            teams = [edge["node"] for edge in node["teams"]["edges"] if edge["isDirect"]]
            row = [array(node[name]) if isinstance(node[name], list) else node[name] for name in COLUMNS]
            row += [array([team["name"] for team in teams]), array([team["id"] for team in teams])]
            lines.append("\t".join(field(value) for value in row))
    columns = ", ".join('"%s" text' % name for name in COLUMNS + ["team_names", "team_ids"])
    statements = (
        "BEGIN; CREATE TABLE IF NOT EXISTS scripted (%s); TRUNCATE scripted; COPY scripted FROM STDIN;\n"
        % columns
    )
    subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"],
        input=statements + "\n".join(lines) + "\n\\.\nCOMMIT;\n",
        text=True,
        check=True,
    )
    print(len(lines))


main()
