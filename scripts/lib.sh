# shellcheck shell=bash disable=SC2034
# What the scripts share: where things are, how to say what goes on, and how to act as root or as PostgreSQL's own user.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PGRX_VERSION=0.19.2
SUPPORTED_MAJORS=(18 17 16 15 14)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/pluralsight_fdw
CARGO_PGRX=$CACHE/cargo-pgrx-$PGRX_VERSION/bin
# Tools of cargo's that only packages and make audit need.
CARGO_ABOUT_VERSION=0.9.3
CARGO_CYCLONEDX_VERSION=0.5.9
CARGO_DENY_VERSION=0.20.2
PGXN_META_VERSION=0.7.0
# What is built and unpacked here is read by PostgreSQL's own user.
umask 022
# One clock for a script and the ones that it calls.
export PLURALSIGHT_FDW_STARTED=${PLURALSIGHT_FDW_STARTED:-$(date +%s)}

say() {
    printf '[%3ds] %s\n' $(($(date +%s) - PLURALSIGHT_FDW_STARTED)) "$*" >&2
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# with_progress LOG WHAT COMMAND …: says what is done, and every 20 seconds how far it is. The command's own output goes to
# LOG, and is shown where the command fails.
with_progress() {
    local log=$1 what=$2 ticker status=0
    shift 2
    say "$what"
    # Second by second, because a longer sleep would outlive this script.
    (
        seconds=0
        while sleep 1 && kill -0 $$; do
            seconds=$((seconds + 1))
            [ $((seconds % 20)) != 0 ] || say "  … $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-100)"
        done
    ) >/dev/null </dev/null &
    ticker=$!
    "$@" >"$log" 2>&1 </dev/null || status=$?
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    if [ "$status" != 0 ]; then
        cat "$log" >&2
        printf 'error: this went wrong: %s\n' "$what" >&2
    fi
    return "$status"
}

# cargo_tool NAME VERSION [ARGUMENTS …]: builds a program from crates.io into the cache, once, and puts it on the PATH.
cargo_tool() {
    local name=$1 version=$2 root=$CACHE/$1-$2
    shift 2
    if [ ! -x "$root/bin/$name" ]; then
        mkdir -p "$CACHE"
        # A plain build: these run for seconds at a time, and compile twice as fast.
        CARGO_TARGET_DIR=$CACHE/$name-target CARGO_PROFILE_DEV_DEBUG=0 with_progress "$CACHE/$name.log" "building $name $version, once: a few minutes" \
            cargo install "$name" --version "=$version" --locked --ignore-rust-version --debug --root "$root" "$@"
        rm -rf "$CACHE/$name-target"
    fi
    PATH=$root/bin:$PATH
}

# The version of everything here.
project_version() {
    sed -nE '/^\[workspace.package\]/,/^\[[^w]/s/^version = "(.*)"/\1/p' "$ROOT/Cargo.toml"
}

# What is shipped names no folder of the machine that built it. All release builds are made so, that they can share crates.
name_no_folders() {
    RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$ROOT=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    export RUSTFLAGS
}

# readme_block LANGUAGE: the code block in that language of README's section "Install from a package".
readme_block() {
    local block
    block=$(awk -v language="$1" '
        /^##+ / { here = /^##+ Install from a package/ }
        here && $0 == "```" language { inside = 1; next }
        inside && /^```/ { exit }
        inside
    ' "$ROOT/README.md")
    [ -n "$block" ] || fail "README has no section Install from a package with a block of $1"
    printf '%s\n' "$block"
}

# Where cargo puts what it builds, whatever set it.
target_directory() {
    (cd "$ROOT" && cargo metadata --format-version 1 --no-deps --offline) | sed -E 's/.*"target_directory":"([^"]*)".*/\1/'
}

# start_sandbox ARGUMENTS …: starts the sandbox beside this script; its process is SANDBOX_PID and its address SANDBOX_URL.
# It must have been built.
start_sandbox() {
    local program line
    program=${SANDBOX_PROGRAM:-$(target_directory)/debug/pluralsight-sandbox}
    coproc SANDBOX { exec "$program" --quiet "$@"; }
    read -r -u "${SANDBOX[0]}" line || fail "the sandbox did not start"
    # shellcheck disable=SC2034
    SANDBOX_URL=${line##* }
}

# Where a password is asked for, this is where.
can_be_root() {
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo true; }
}

# Runs a command with root's rights.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Whether a pg_config stands for a server that we support, with its headers.
usable_pg_config() {
    local major
    [ -x "$1" ] || return 1
    major=$("$1" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
    [[ " ${SUPPORTED_MAJORS[*]} " == *" $major "* ]] || return 1
    [ -z "${PG_MAJOR:-}" ] || [ "$PG_MAJOR" = "$major" ] || return 1
    [ -e "$("$1" --includedir-server)/postgres.h" ] && [ -x "$("$1" --bindir)/postgres" ]
}

# Where scripts/server-tree lays a whole PostgreSQL.
server_tree() {
    printf '%s/postgresql-%s\n' "$CACHE" "$1"
}

# The pg_config of the server to build for: $PG_CONFIG; or the one on the PATH; or Debian's, the newest first; of version
# $PG_MAJOR if that is set, which may also be a tree in the cache. Prints nothing if there is none.
find_pg_config() {
    local candidate
    if [ -n "${PG_CONFIG:-}" ]; then
        usable_pg_config "$PG_CONFIG" || fail "PG_CONFIG is $PG_CONFIG, which is no pg_config of a PostgreSQL ${PG_MAJOR:-${SUPPORTED_MAJORS[-1]} to ${SUPPORTED_MAJORS[0]}} with its server headers"
        printf '%s\n' "$PG_CONFIG"
        return
    fi
    for candidate in "$(command -v pg_config)" "${SUPPORTED_MAJORS[@]/#//usr/lib/postgresql/}" ${PG_MAJOR:+"$(server_tree "$PG_MAJOR")"}; do
        [ ! -d "$candidate" ] || candidate=$candidate/bin/pg_config
        if usable_pg_config "$candidate"; then
            # Debian's /usr/bin/pg_config only calls another; builds keep the path of the real one.
            printf '%s/pg_config\n' "$("$candidate" --bindir)"
            return
        fi
    done
}

# Exports what cargo and cargo-pgrx need. To be called after scripts/bootstrap.
pgrx_environment() {
    PG_CONFIG=$(find_pg_config)
    [ -n "$PG_CONFIG" ] || fail "no PostgreSQL${PG_MAJOR:+ $PG_MAJOR} with server headers was found; scripts/bootstrap installs one"
    PG_MAJOR=$("$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
    # The user's own ~/.pgrx is left alone.
    PGRX_HOME=$CACHE/pgrx-home-$PG_MAJOR
    # What `cargo pgrx init --pg15=PG_CONFIG` would write; written only when it changes, since a newer file is a new build.
    local wanted
    wanted=$(printf '[configs]\npg%s = "%s"' "$PG_MAJOR" "$PG_CONFIG")
    if [ "$(cat "$PGRX_HOME/config.toml" 2>/dev/null)" != "$wanted" ]; then
        mkdir -p "$PGRX_HOME"
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
        # From where that user may be: the checkout can be in a folder that only root can enter.
        (cd / && exec runuser -u "$(postgres_user)" -- "$@")
    else
        "$@"
    fi
}

# Whether /dev/shm is memory from which programs can be run, with 6 GiB to spare.
has_room_in_memory() {
    local options free
    options=$(findmnt -no OPTIONS -t tmpfs /dev/shm 2>/dev/null) || return 1
    free=$(df --output=avail -k /dev/shm | tail -n 1)
    [[ ",$options," != *,noexec,* ]] && [ "$free" -ge $((6 * 1024 * 1024)) ]
}

# Ends every server that runs in a private folder of scripts/with-postgres, and removes the folder.
tear_down() {
    local home=$1 pid_file
    find "$home" -maxdepth 3 -name postmaster.pid | while read -r pid_file; do
        as_postgres "$home/bin/pg_ctl" -D "$(dirname "$pid_file")" -m immediate -w stop || true
    done
    rm -rf "$home"
}
