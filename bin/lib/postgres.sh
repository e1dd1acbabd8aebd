# shellcheck shell=bash disable=SC2154
# A Postgres cluster that lives as long as one run of the tests. Sourced by bin/test.

start_throwaway_postgres() {
  local bin=
  for bin in /usr/lib/postgresql/*/bin "$(dirname "$(command -v postgres || echo /nowhere/postgres)")"; do
    [ -x "$bin/initdb" ] && break
  done
  [ -x "$bin/initdb" ] || die "No Postgres server was found: install the package postgresql."
  postgres_folder=$(mktemp -d "${TMPDIR:-/tmp}/pinreel-pg.XXXXXX")
  postgres_bin=$bin
  as_postgres=()
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$postgres_folder"
    as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups)
  fi
  (
    cd "$postgres_folder"
    "${as_postgres[@]}" "$bin/initdb" -D "$postgres_folder/data" -U pinreel -A trust --encoding=UTF8 --locale-provider=icu \
      --icu-locale=und --locale=C.UTF-8 --no-sync >"$postgres_folder/../$(basename "$postgres_folder").log"
    "${as_postgres[@]}" "$bin/pg_ctl" -D "$postgres_folder/data" -w -s -l "$postgres_folder/log" \
      -o "-c listen_addresses='' -c unix_socket_directories=$postgres_folder -c fsync=off -c max_connections=200" start
  ) || die "The tests' Postgres didn't start; see $postgres_folder/log"
  export DATABASE_URL="postgres://pinreel@localhost/postgres?host=$postgres_folder"
  trap stop_throwaway_postgres EXIT
}

stop_throwaway_postgres() {
  trap - EXIT
  (cd "$postgres_folder" && "${as_postgres[@]}" "$postgres_bin/pg_ctl" -D "$postgres_folder/data" -s -m immediate stop) || true
  rm -rf "$postgres_folder" "$postgres_folder.log"
  unset DATABASE_URL
}
