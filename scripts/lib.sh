# shellcheck shell=bash disable=SC2034
# What the scripts share: where things are, and how to act as root or as PostgreSQL's own user.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PGRX_VERSION=0.19.2
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/pluralsight_fdw
CARGO_PGRX=$CACHE/cargo-pgrx-$PGRX_VERSION/bin
STARTED=$SECONDS

say() {
    printf '[%3ds] %s\n' $((SECONDS - STARTED)) "$*" >&2
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Runs a command with root's rights, or says what is missing.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root: $* (run it yourself, or install sudo)"
    fi
}

# The pg_config of the server to build for: $PG_CONFIG, or version $PG_MAJOR, or the newest one with server headers.
# Prints nothing where there is none.
find_pg_config() {
    local major candidate
    if [ -n "${PG_CONFIG:-}" ]; then
        printf '%s\n' "$PG_CONFIG"
        return
    fi
    for major in ${PG_MAJOR:-18 17 16 15 14}; do
        candidate=/usr/lib/postgresql/$major/bin/pg_config
        if [ -x "$candidate" ] && [ -e "$("$candidate" --includedir-server)/postgres.h" ] && [ -x "$("$candidate" --bindir)/postgres" ]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

# Exports what cargo and cargo-pgrx need. To be called after scripts/bootstrap.
pgrx_environment() {
    PG_CONFIG=$(find_pg_config)
    [ -n "$PG_CONFIG" ] || fail "no PostgreSQL with server headers was found; scripts/bootstrap installs one"
    PG_MAJOR=$("$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
    PGRX_HOME=$CACHE/pgrx-home-$PG_MAJOR
    mkdir -p "$PGRX_HOME"
    # The user's own ~/.pgrx is left alone. Written only when it changes: cargo would rebuild everything.
    local wanted
    wanted=$(printf '[configs]\npg%s = "%s"' "$PG_MAJOR" "$PG_CONFIG")
    if [ "$(cat "$PGRX_HOME/config.toml" 2>/dev/null)" != "$wanted" ]; then
        printf '%s\n' "$wanted" >"$PGRX_HOME/config.toml"
    fi
    # The framework declares a newer Rust than it needs.
    PGRX_BUILD_FLAGS=--ignore-rust-version
    PATH=$CARGO_PGRX:$PATH
    export PG_CONFIG PG_MAJOR PGRX_HOME PGRX_BUILD_FLAGS PATH
}

# PostgreSQL refuses to run as root.
postgres_user() {
    if [ "$(id -u)" != 0 ]; then
        id -un
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}

as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u "$(postgres_user)" -- "$@"
    else
        "$@"
    fi
}
