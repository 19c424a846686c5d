# What deploy/upgrade and deploy/rollback share. Other places than the usual ones: SITE_HOME=/srv/guidance deploy/upgrade …
# (These names do not begin with GUIDANCE_, because what does is a setting of the site and stops it when unknown.)
home=${SITE_HOME:-/opt/guidance}
backups=${SITE_BACKUPS:-/var/backups/guidance}
settings=${SITE_ENV:-/etc/guidance/env}
service=${SITE_SERVICE:-guidance}
user=${SITE_USER:-guidance}
patience=${SITE_PATIENCE:-60}

stop() { echo "$*" >&2; exit 1; }

[ -r "$settings" ] || stop "The settings in $settings cannot be read. Run this as root, after the set-up of docs/deploy.md."
set -a; . "$settings"; set +a

as_user() { # the site's own user owns its data; root must not leave files there
  if [ "$(id -un)" = "$user" ]; then "$@"; else runuser -u "$user" -- "$@"; fi
}

ready() { # ready <release>: whether the site answers within the patience, and is that release
  for _ in $(seq "$patience"); do
    [ "$(readlink -f "$home/current")" = "$1" ] || return 1
    if no_proxy=127.0.0.1 "$1/.venv/bin/python" -c "import urllib.request as u; u.urlopen('http://127.0.0.1:${GUIDANCE_BIND##*:}/readyz', timeout=2)" 2>/dev/null; then
      return 0
    fi
    sleep 1
  done
  return 1
}

schema() { ls "$1/guidance/migrations/versions" | grep '^[0-9].*\.py$'; }

: "${GUIDANCE_BIND:=127.0.0.1:8000}"
