# What every script here stands on. Needs: a GNU userland, curl, flock.
# Prints nothing by itself; `fail CODE text` ends with the text on stderr.
set -eu
login_lc_all=${LC_ALL-}
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
newline='
'
return=$(printf '\r')

# A dead connection must not end a step half-way: writing to it fails, and that is all.
trap '' HUP PIPE
say() { printf '%s\n' "$*" 2>/dev/null || :; }
fail() {
    fail_code=$1
    shift
    printf '%s\n' "$*" >&2 2>/dev/null || :
    exit "$fail_code"
}
# fact KEY TEXT: one line, whatever the text holds: `KEY =TEXT`, or base64 if it is of several lines.
fact() {
    case $2 in
    *"$newline"* | *"$return"*) say "$1 $(printf '%s' "$2" | base64 -w 0)" ;;
    *) say "$1 =$2" ;;
    esac
}
now_ms() { date +%s%3N; }

# fetch URL HOST SECONDS [HEADER]: an HTTP GET to this machine, whatever the name in the URL; sets `code` (000: no answer),
# `body`, `took_ms`, and `redirect`, the URL that it is sent to.
# Of a large body the start is kept, and the end, where curl adds what it found.
# -q and --noproxy: neither the user's .curlrc nor a proxy of the environment may stand between. -k: whoever stands
# on this machine's loopback has its root anyway, and its name is in no certificate.
fetch() {
    fetched=$(curl -q -s -k --noproxy '*' --connect-to ::127.0.0.1: -m "$3" ${2:+-H "Host: $2"} ${4:+-H "$4"} \
        -w '\n%{http_code} %{time_total} %{redirect_url}' "$1" 2>/dev/null | { head -c 262144; tail -c 4096; }) || :
    body=${fetched%"$newline"*}
    fetched=${fetched##*"$newline"}
    code=${fetched%% *}
    fetched=${fetched#* }
    redirect=${fetched#* }
    fetched=${fetched%% *}
    case $fetched in
    *.???*)
        took_ms=${fetched#*.}
        # A 1 ahead, or its zeros would make it octal.
        took_ms=$((${fetched%.*} * 1000 + 1${took_ms%"${took_ms#???}"} - 1000))
        ;;
    *) code=000 took_ms=0 ;;
    esac
}

# package_manager: the one that `setup` would install with, nothing where there is none of those it knows.
package_manager() {
    for manager in apt-get dnf; do
        ! command -v "$manager" >/dev/null 2>&1 || { say "$manager" && return; }
    done
}

# stat_of PID: sets `state` and `started` (clock ticks after boot); fails if there is no such process.
# A zombie is dead: where PID 1 does not reap, it stays in /proc for ever.
stat_of() {
    IFS= read -r stat_line 2>/dev/null <"/proc/$1/stat" || return 1
    # shellcheck disable=SC2086 # the fields of the line, split on purpose
    set -- ${stat_line##*) }
    state=$1
    started=${20}
    [ "$state" != Z ] && [ "$state" != X ]
}
alive() { [ -n "$1" ] && stat_of "$1"; }

# port_owner PORT: the pid that listens there, `?` if it is not ours to see, nothing if the port is free.
port_inodes() {
    awk -v port="$(printf ':%04X' "$1")" \
        '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || :
}
port_owner() {
    for inode in $(port_inodes "$1"); do
        owner=$(find /proc/[0-9]*/fd -maxdepth 1 -lname "socket:\[$inode\]" 2>/dev/null | head -n 1 | cut -d/ -f3) || :
        say "${owner:-?}"
        return
    done
}
# owned_by PORT PID: the listener is that process or a child of it (a `java` that is a wrapper script).
owned_by() {
    ancestor=$(port_owner "$1")
    while [ -n "$ancestor" ] && [ "$ancestor" != '?' ] && [ "$ancestor" -gt 1 ]; do
        [ "$ancestor" != "$2" ] || return 0
        IFS= read -r stat_line 2>/dev/null <"/proc/$ancestor/stat" || return 1
        # shellcheck disable=SC2086
        ancestor=$(set -- ${stat_line##*) }; echo "$2")
    done
    return 1
}
# words_of PID: its command line, each word with a blank behind it; command_of PID: as much as a person wants of it.
words_of() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null || :; }
command_of() { words_of "$1" | head -c 2000 || :; }

# is_ours PID SLOT: a JVM of this app and slot, started from a release of this folder; or one that the old
# scripts started by hand: this user's, a jar, with the slot's profile.
is_ours() {
    told=" $(words_of "$1")"
    case $told in
    *" -Dbluegreen.app="*)
        case "$(readlink "/proc/$1/cwd" 2>/dev/null)/" in
        "$(cd "$base" 2>/dev/null && pwd -P)/releases/"*) ;;
        *) return 1 ;;
        esac
        case $told in *" -Dbluegreen.app=$app -Dbluegreen.slot=$2 "*) return 0 ;; esac
        ;;
    *" -jar "*)
        [ "$(stat -c %u "/proc/$1" 2>/dev/null)" = "$(id -u)" ] || return 1
        case $told in *" -Dspring.profiles.active=$2 "*.jar* | *.jar*" --spring.profiles.active=$2 "*) return 0 ;; esac
        ;;
    esac
    return 1
}

# users_of PATH [RUNNER…]: what of it and of the folders above it, where its links lead too, the user may write or
# make so as its owner; the user is the one that RUNNER makes it.
users_of() {
    above=$1
    leads_to=$(readlink -f "$1" 2>/dev/null) || leads_to=
    [ "$leads_to" != "$1" ] || leads_to=
    shift
    while :; do
        ! "$@" test -w "$above" -o -O "$above" 2>/dev/null || say "$above"
        if [ "$above" != / ]; then
            above=$(dirname "$above")
        elif [ -n "$leads_to" ]; then
            above=$leads_to
            leads_to=
        else
            return 0
        fi
    done
}

# tell_file NUMBER PATH: facts of a file of root's, as far as it may be read.
tell_file() {
    above=$(dirname "$2")
    [ -e "$2" ] || { [ -d "$above" ] && [ ! -x "$above" ]; } || return 0
    fact "file.$1.there" yes
    [ -r "$2" ] || return 0
    fact "file.$1.mode" "$(stat -c '%a %U' "$2")"
    fact "file.$1.sha256" "$(sha256sum <"$2" | cut -d' ' -f1)"
}

# unit_of_others: the file of a template of the app's name that is not ours, such as systemd's own user@.service.
unit_of_others() {
    told=$(systemctl show --property FragmentPath --value "$app@${slots%%:*}.service" 2>/dev/null) || told=
    [ "$told" = "/etc/systemd/system/$app@.service" ] || say "$told"
}

# route_now: what decides the route, as one word: the include's checksum and the marker of method `instant`.
marker_now() {
    markers=
    for entry in $slots; do
        [ ! -e "$runtime/${entry%%:*}" ] || markers=$markers${markers:+,}${entry%%:*}
    done
    say "${markers:-none}"
}
route_now() { say "$( (cksum <"$include") 2>/dev/null | tr ' ' -)/$(marker_now)"; }
# The look decided what is live; if the route moved since, that decision is void and nothing may be touched.
same_route() {
    [ "$(route_now)" = "$route" ] || fail 76 "the route of nginx was changed by somebody else in the meantime"
}

# answering_slot: sets `answering` to the slot that answers through nginx, empty where no answer names one, and
# `verify_code`, `verify_body` to what the verify path answered.
# The verify path may be another than it should; our own site then still tells by its own.
answering_slot() {
    answering=
    fetch_through_nginx "$verify" 3
    verify_code=$code
    verify_body=$body
    slot_of_answer "$body"
    [ -z "$answering" ] || return 0
    fetch_through_nginx /.bluegreen/slot 3
    slot_of_answer "$body"
}
# fetch_through_nginx PATH SECONDS: `fetch`, as a client of the site asks: over https where the site wants that.
front=
front_header=
fetch_through_nginx() {
    if [ -z "$front" ]; then
        fetch "http://127.0.0.1:$listen$1" "$server_name" "$2"
        find_front "$1" "$2"
        [ -n "$front" ] || return 0
    fi
    case $front in https:*) fetch "$front$1" "" "$2" ;; *) fetch "$front$1" "$server_name" "$2" "$front_header" ;; esac
}
# find_front PATH SECONDS: sets `front` if what was fetched tells that the site wants https: site.listen sends each
# path there, as certbot makes it, or is its port. Where this machine has no such port, a load balancer has it.
find_front() {
    case $code-$redirect in
    30?-"https://"*"$1")
        front=${redirect%"$1"}
        front_port=${front#https://}
        case $front_port in *:*) front_port=${front_port##*:} ;; *) front_port=443 ;; esac
        case $front_port in *[!0-9]*) front_port=0 ;; esac
        if [ -z "$(port_inodes "$front_port")" ]; then
            front=http://127.0.0.1:$listen
            front_header='X-Forwarded-Proto: https'
        fi
        ;;
    404-*)
        # So certbot answers whoever does not ask by the site's name. What names a slot over https is the site.
        [ -n "$(port_inodes 443)" ] || return 0
        http_code=$code http_body=$body http_took_ms=$took_ms
        fetch "https://${server_name:-127.0.0.1}$1" "" "$2"
        answering=
        slot_of_answer "$body"
        if [ -n "$answering" ]; then
            front=https://${server_name:-127.0.0.1}
        else
            code=$http_code body=$http_body took_ms=$http_took_ms
        fi
        ;;
    400-*) case $body in *"plain HTTP request was sent to HTTPS port"*) front=https://${server_name:-127.0.0.1}:$listen ;; esac ;;
    esac
}
# slot_of_answer BODY: sets `answering` if it names a slot, or a slot's target.
slot_of_answer() {
    told=$(printf '%s' "$1" | tr -d '"[:space:]')
    for entry in $slots; do
        each=${entry%%:*}
        each_port=${entry#*:}
        case $told in "$each" | "http://$app-$each" | "http://127.0.0.1:${each_port%%:*}") answering=$each ;; esac
    done
}

# serves SLOT: users' requests go there. It answers through nginx; or, where no answer names a slot, the marker
# of an include that reads it, else the include's first line, does.
serves() {
    answering_slot
    if [ -n "$answering" ]; then
        [ "$answering" = "$1" ] || return 1
        return 0
    fi
    for entry in $slots; do
        entry_port=${entry#*:}
        [ "${entry%%:*}" != "$1" ] || serving_port=${entry_port%%:*}
    done
    marked=$(marker_now)
    if [ "$marked" != none ] && grep -q '^[[:space:]]*if (-e ' "$include" 2>/dev/null; then
        [ "${marked##*,}" = "$1" ]
    else
        # shellcheck disable=SC2016 # nginx's variable, not ours
        sed -n 's/^[[:space:]]*set[[:space:]]*$service_url//p' "$include" 2>/dev/null | head -n 1 |
            grep -q -e ":${serving_port}[/\"';]" -e "//$app-${1}[\"';]"
    fi
}

# as_root VERB SLOT: root.sh, as `setup` installed it, else as it was sent along.
as_root() {
    if [ -x "$root_installed" ]; then
        set -- "$root_installed" "$@"
    else
        eval "set -- $root_sent \"\$@\""
    fi
    if [ -n "$root_sudo" ] && [ "$(id -u)" != 0 ]; then set -- sudo -n "$@"; fi
    "$@" </dev/null
}

# one_step: one step that changes something at a time: a step whose connection died goes on to its end, and the
# next holder of the lock waits for it (see lock.sh).
one_step() {
    exec 8>>"$base/lock.step"
    flock -w 60 8 || fail 75 "an earlier step still runs on this host and did not end within 60 s"
}
# under_lock: one_step, for the holder of the lock alone.
under_lock() {
    one_step
    still_ours
}
still_ours() {
    holder=
    read -r holder _ <"$base/lock" || :
    [ "$holder" = "$token" ] || fail 75 "the lock of this host is no longer ours: the connection was away too long"
}
