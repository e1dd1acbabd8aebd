# shellcheck shell=bash disable=SC2034
# Shared by the commands in bin/: finds what is missing on this machine and installs it, or says how. Sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${PINREEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pinreel}
# Build output lives outside the checkout, so that a fresh clone builds as fast as an old one.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
# Queries were checked against a migrated database when they were committed; no database is needed to build.
export SQLX_OFFLINE=true
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH
[ -d /usr/local/go/bin ] && PATH=$PATH:/usr/local/go/bin
mkdir -p "$cache/bin" "$cache/stamps" "$CARGO_TARGET_DIR/checkouts"

# Cargo tells sources apart by their times, not by their folder: what another checkout built there later would pass for
# this one's.
if [ "$(cat "$CARGO_TARGET_DIR/checkouts/last" 2>/dev/null)" != "$root" ]; then
  find "$root/crates" "$root/server" "$root/transcoder" -name '*.rs' -exec touch {} +
  printf '%s' "$root" >"$CARGO_TARGET_DIR/checkouts/last"
fi

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

build_packages=(build-essential clang libclang-dev mold pkg-config libavcodec-dev libavformat-dev libavfilter-dev libavutil-dev libswscale-dev libswresample-dev)
run_packages=(postgresql)
test_packages=(ffmpeg chromium fonts-dejavu-core openssl)
bench_packages=(nginx wrk openssl ffmpeg)

# need_packages NAME…: installs the Debian packages that are missing.
need_packages() {
  local missing=() package
  if ! command -v dpkg-query >/dev/null; then
    say "This isn't a Debian-like system; please make sure that these are installed: $*"
    return
  fi
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || die "These packages are missing: ${missing[*]}
Install them and start again: sudo apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo -n)
  fi
  say "Installing ${missing[*]}"
  { "${as_root[@]}" apt-get update -q && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$cache/apt.log" 2>&1 ||
    die "Installing ${missing[*]} failed; the package manager's own words are in $cache/apt.log"
}

need_rust() {
  command -v cargo >/dev/null || die "Rust is missing. Install it with rustup (see the README), then start again."
  local have want=1.95
  have=$(rustc --version | cut -d' ' -f2)
  [ "$(printf '%s\n' "$want" "$have" | sort -V | head -n 1)" = "$want" ] || die "Rust $want or newer is needed; this is $have. Run: rustup update stable"
}

need_node() {
  command -v npm >/dev/null || die "Node.js with npm is missing. On Debian: apt-get install nodejs npm"
}

# npm_install FOLDER: installs its packages, unless the lock file is the one installed last.
npm_install() {
  local folder=$1 want
  want=$(sha256sum <"$root/$folder/package-lock.json" | cut -d' ' -f1)
  [ "$(cat "$root/$folder/node_modules/.pinreel-lock" 2>/dev/null)" != "$want" ] || return 0
  say "Installing $folder's packages"
  (cd "$root/$folder" && npm ci --no-audit --no-fund --loglevel=error >&2) || die "npm ci failed in $folder/"
  printf '%s' "$want" >"$root/$folder/node_modules/.pinreel-lock"
}

# build_web: builds web/dist, unless its sources are the ones built last.
build_web() {
  npm_install web
  local want
  want=$(cd "$root/web" && find . -path ./node_modules -prune -o -path ./dist -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
  [ "$(cat "$root/web/dist/.built-from" 2>/dev/null)" != "$want" ] || return 0
  say "Building the web app"
  (cd "$root/web" && npm run --silent build >&2) || die "The web app didn't build; see above."
  printf '%s' "$want" >"$root/web/dist/.built-from"
}

# build_programs PROFILE [--unless-fresh] CARGO-ARGUMENT…: builds, and keeps this checkout's own copies in $programs: all
# checkouts share $CARGO_TARGET_DIR, and what lies at its top is whichever was built last.
build_programs() {
  local profile=$1 unless_fresh= want program
  shift
  if [ "$1" = --unless-fresh ]; then unless_fresh=1; shift; fi
  programs=$CARGO_TARGET_DIR/checkouts/$(printf '%s' "$root" | sha256sum | cut -c1-16)/$profile
  want=$(programs_source)
  if [ "$unless_fresh" ] && programs_are "$want"; then return; fi
  mkdir -p "$programs"
  # Nobody else's build may come between this one and its copies.
  exec {build_lock}>"$CARGO_TARGET_DIR/checkouts/lock"
  flock "$build_lock"
  # Whoever had the lock may have built just this.
  if [ -z "$unless_fresh" ] || ! programs_are "$want"; then
    if [ "$unless_fresh" ]; then need_rust; need_packages "${build_packages[@]}"; say "Building pinreel, whose sources changed"; fi
    programs_are "$want" || rm -f "$programs/built-from"
    # From within the checkout: flags of the build are looked for from where Cargo is started.
    (cd "$root" && cargo build --locked "$@" >&2) || die "Pinreel didn't build; see above."
    for program in pinreel pinreel-transcoder; do
      # A program that runs keeps its old file.
      cp --reflink=auto "$CARGO_TARGET_DIR/$profile/$program" "$programs/$program.new"
      mv "$programs/$program.new" "$programs/$program"
    done
    printf '%s' "$want" >"$programs/built-from"
  fi
  exec {build_lock}>&-
}

# programs_are HASH: whether the copies were built from these sources.
programs_are() { [ "$(cat "$programs/built-from" 2>/dev/null)" = "$1" ]; }

# programs_source: one hash of everything that the programs are built from.
programs_source() {
  cd "$root" && find Cargo.toml Cargo.lock .cargo crates server transcoder migrations vendor -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# build_kubo: a real Kubo, the peer that tests talk to. Prints its path.
build_kubo() {
  local version program
  version=$(sed -n 's/.*ipfs\/kubo v\([0-9.]*\).*/\1/p' "$root/tests/peers/go.mod" | head -n 1)
  program=$cache/bin/ipfs-$version
  if [ ! -x "$program" ]; then
    command -v go >/dev/null || die "Go is missing: the tests build a real Kubo $version with it. Install Go 1.26 or newer (or put that Kubo at $program)."
    say "Building Kubo $version, the IPFS peer for the tests (6 minutes the first time)"
    go build -C "$root/tests/peers" -o "$program.new" github.com/ipfs/kubo/cmd/ipfs >&2 || die "Kubo didn't build; see above."
    mv "$program.new" "$program"
  fi
  printf '%s\n' "$program"
}
