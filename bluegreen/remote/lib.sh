# The base of every script: errors, the fact protocol, HTTP, processes and ports.
# Takes: nonce
# Prints nothing by itself. Requires curl, flock and the tools that GNU, busybox and uutils have in common.
set -eu
login_lc_all=${LC_ALL-}
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
newline='
'

# A dead connection must not end a step half-way: a write to it fails, and the step goes on.
trap '' HUP PIPE
say() { printf '%s\n' "$*" 2>/dev/null || :; }
# fail CODE TEXT: ends the script with TEXT on stderr. remote/exit_codes.py has the codes and their meanings.
fail() {
    fail_code=$1
    shift
    printf '%s\n' "$*" >&2 2>/dev/null || :
    exit "$fail_code"
}
# fact KEY TEXT: prints the line `bluegreen:NONCE KEY VALUE`. VALUE is `=TEXT`, or base64 if TEXT contains anything but
# printable ASCII. The nonce is new for each run: no other output (.bashrc, a login banner) can be taken for a fact.
fact() {
    case $2 in
    *[!\ -~]*) say "bluegreen:$nonce $1 $(printf '%s' "$2" | base64 -w 0)" ;;
    *) say "bluegreen:$nonce $1 =$2" ;;
    esac
}
# clock: sets `now_ms`, the milliseconds since the boot of the machine. It costs no process, nobody can set it, and every
# machine has it: `date +%s%3N` prints nanoseconds with uutils (uutils/coreutils #12001), and `%3N` with busybox.
clock() {
    uptime=
    read -r uptime _ 2>/dev/null </proc/uptime || :
    case ${uptime:-none} in
    *[!0-9.]* | *.*.* | .* | ?????????????????*) ;;
    *.??)
        # The 1 in front prevents a leading zero, which would make it octal.
        now_ms=$((${uptime%.*} * 1000 + 1${uptime#*.}0 - 1000))
        return 0
        ;;
    esac
    fail 1 "the machine's clock cannot be read: /proc/uptime begins with '$uptime'"
}
# epoch_s: prints the seconds of the machine's wall clock, which people and other machines compare with theirs.
epoch_s() {
    epoch=$(date +%s)
    case $epoch in
    *[!0-9]*) ;;
    ??????????) say "$epoch" && return ;;
    esac
    fail 1 "the machine's clock cannot be read: date +%s printed '$epoch'"
}
# flock_within FD MS: takes the lock of an open file; fails if another process holds it for longer than that. busybox's
# flock has no -w, and its timeout leaves a process behind that holds the lock for a second.
flock_within() {
    clock
    flock_until=$((now_ms + $2))
    until flock -n "$1"; do
        clock
        [ "$now_ms" -lt "$flock_until" ] || return 1
        sleep 0.05
    done
}
# first_bytes COUNT: copies as many bytes of its input as that, and leaves the rest unread. busybox's `head -c` reads
# 4096 bytes at a time, and loses what it read too much.
first_bytes() { { dd bs="$1" count=1 iflag=fullblock || dd bs=1 count="$1"; } 2>/dev/null; }

# fetch URL HOST SECONDS [HEADER]: sends an HTTP GET to this machine, whatever the name in the URL. Sets `code` (000: no
# answer), `body`, `took_ms`, and `redirect`, the URL of a redirect. $preview_token goes along as a header, and $agent as
# the user agent, if they are set.
# Of a large body it keeps the start, and the end, where curl appends its figures.
# The token is a secret, so it is not in the command line.
preview_token=
agent=
fetch() {
    fetched=$({
        say "$curl_options"
        [ -z "$preview_token" ] || say "header = \"X-Bluegreen-Preview: $preview_token\""
    } | curl -q -K - -m "$3" ${2:+-H "Host: $2"} ${4:+-H "$4"} ${agent:+-A "$agent"} \
        -w '\n%{http_code} %{time_total} %{redirect_url}' "$1" 2>/dev/null |
        { first_bytes 262144; tail -c 4096; }) || :
    body=${fetched%"$newline"*}
    fetched=${fetched##*"$newline"}
    code=${fetched%% *}
    fetched=${fetched#* }
    redirect=${fetched#* }
    took "${fetched%% *}"
}
# Options of every request to this machine, for the standard input of `curl -q -K -`.
# -q and noproxy: neither the user's .curlrc nor a proxy of the environment may interfere. insecure: only root can
# intercept the machine's loopback, and no certificate names it. globoff: a redirect must not become a thousand URLs.
curl_options='silent
insecure
globoff
noproxy = "*"
connect-to = "::127.0.0.1:"'
# took SECONDS: sets `took_ms` to a time that curl prints, and `code` to 000 if it printed none.
took() {
    case $1 in
    *.???*)
        took_ms=${1#*.}
        # The 1 in front prevents leading zeros, which would make it octal.
        took_ms=$((${1%.*} * 1000 + 1${took_ms%"${took_ms#???}"} - 1000))
        ;;
    *) code=000 took_ms=0 ;;
    esac
}

# property_of UNIT PROPERTY: prints a property of a unit, nothing if systemd does not know it. `systemctl show --value`
# exists from systemd 230 on.
property_of() {
    unit_property=$(systemctl show --property "$2" "$1" 2>/dev/null) || unit_property=
    say "${unit_property#*=}"
}

# package_manager: prints the manager that `setup` installs with, nothing if the machine has none that it knows.
package_manager() {
    for known in apt-get dnf; do
        ! command -v "$known" >/dev/null 2>&1 || { say "$known" && return; }
    done
}

# stat_of PID: sets `state` and `started` (clock ticks after boot); fails if there is no such process.
# A zombie counts as dead: where PID 1 does not reap, it stays in /proc for ever.
stat_of() {
    IFS= read -r stat_line 2>/dev/null <"/proc/$1/stat" || return 1
    # shellcheck disable=SC2086 # the fields of the line, split on purpose
    set -- ${stat_line##*) }
    state=$1
    started=${20}
    [ "$state" != Z ] && [ "$state" != X ]
}
alive() { [ -n "$1" ] && stat_of "$1"; }

# port_inodes PORT: prints the inode of each socket that listens there.
# The kernel lists the listening sockets (0A) first; 03 is one that is just being opened. The rest of the list grows with
# the connections: of 7500 it took 18 ms of CPU.
port_inodes() {
    awk -v port="$1" '
        BEGIN { port = sprintf(":%04X", port) }
        FNR > 1 && $4 != "0A" && $4 != "03" { nextfile }
        $4 == "0A" && substr($2, length($2) - 4) == port { print $10 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || :
}
# port_owner PORT: prints the pid that listens there, `?` if this user may not see it, nothing if the port is free.
port_owner() {
    for inode in $(port_inodes "$1"); do
        # busybox's find has no -lname, and the ls of uutils no targets of links that lead nowhere.
        owner=$(find /proc/[0-9]*/fd -maxdepth 1 -type l -exec stat -c %N {} + 2>/dev/null |
            awk -F / -v socket="socket:[$inode]" 'index($0, socket) { print $3; exit }') || :
        say "${owner:-?}"
        return
    done
}
# owned_by PORT PID: whether the listener is that process or a child of it (a `java` that is a wrapper script).
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
# prefer_as_victim PID, spare PID: whether the kernel ends this process first when the memory is used up (proc(5)).
prefer_as_victim() { { echo 500 >"/proc/$1/oom_score_adj"; } 2>/dev/null || :; }
spare() { { echo 0 >"/proc/$1/oom_score_adj"; } 2>/dev/null || :; }
# words_of PID: prints its command line, each word followed by a blank; command_of PID: at most 2000 bytes of it, a word a line.
words_of() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || :; }
command_of() { tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | head -c 2000 || :; }

# users_of PATH [RUNNER…]: prints those of the path, the folders above it and the targets of its links that the user may
# write, or owns and so may make writable. The user is the current one, or the one that RUNNER switches to.
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

# fact_file NUMBER PATH: prints the facts of one of root's files, as far as this user may read it.
fact_file() {
    above=$(dirname "$2")
    [ -e "$2" ] || { [ -d "$above" ] && [ ! -x "$above" ]; } || return 0
    fact "file.$1.there" yes
    [ -r "$2" ] || return 0
    fact "file.$1.mode" "$(stat -c '%a %U' "$2")"
    fact "file.$1.sha256" "$(sha256sum <"$2" | cut -d' ' -f1)"
}
