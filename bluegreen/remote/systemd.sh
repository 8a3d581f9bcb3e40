# The supervisor `systemd`: a unit of the template APP@.service for each slot. The unit runs slots/SLOT.start in
# the folder that slots/SLOT points to. That script reads the environment of slots/SLOT.env (0600): systemd would
# read an EnvironmentFile= as root, wherever the user made it a link to.
unit_of() { say "$app@$1.service"; }

# slot_pid SLOT: the pid of the slot's JVM, nothing if it does not run.
slot_pid() {
    unit_pid=$(systemctl show --property MainPID --value "$(unit_of "$1")" 2>/dev/null) || unit_pid=0
    [ "${unit_pid:-0}" = 0 ] || say "$unit_pid"
}

# slot_start SLOT FOLDER COMMAND…: the unit, with $environment.
slot_start() {
    start_slot=$1
    start_folder=$2
    shift 2
    (
        umask 077
        printf '%s\n' "$environment" >"$base/slots/.$start_slot.env.new"
        {
            printf "set -a\n. '%s'\nset +a\nexec" "$base/slots/$start_slot.env"
            for word in "$@"; do printf " '%s'" "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")"; done
            printf '\n'
        } >"$base/slots/.$start_slot.start.new"
    )
    mv -fT "$base/slots/.$start_slot.env.new" "$base/slots/$start_slot.env"
    mv -fT "$base/slots/.$start_slot.start.new" "$base/slots/$start_slot.start"
    as_root start "$start_slot" >&2 || fail 1 "systemd did not start $(unit_of "$start_slot"): $(slot_log "$start_slot" 5)"
    start_pid=$(slot_pid "$start_slot")
    [ -n "$start_pid" ] || fail 1 "$(unit_of "$start_slot") ended at once: $(slot_log "$start_slot" 10)"
    # Of a unit that was written for another releases.path the JVM would be UP, and another release's. Its working
    # folder does not tell: while a JVM starts, it is in /tmp/hsperfdata_USER for a moment.
    case "$(words_of "$start_pid")" in
    '' | *" $base/slots/$start_slot.start "* | *" -Dbluegreen.release=${start_folder##*/} "*) ;;
    *)
        as_root stop "$start_slot" >&2 || :
        fail 1 "$(unit_of "$start_slot") runs another folder than $base: it was written for other settings; run setup"
        ;;
    esac
    say "$start_pid"
}

slot_stop() { as_root stop "$1"; }
slot_kill() { as_root kill "$1"; }

# slot_expires SLOT: a transient timer of systemd runs slots/SLOT.expire, as this user. Prints `expires SECONDS`.
slot_expires() { as_root expire "$1"; }

# slot_boots SLOT: systemd starts it at a boot.
slot_boots() { [ -L "$wants/$(unit_of "$1")" ]; }

# slot_leave SLOT: a JVM that died has no pid, and comes back if systemd is about to start it again.
slot_leave() {
    case $(systemctl show --property SubState --value "$(unit_of "$1")" 2>/dev/null) in
    auto-restart*) as_root stop "$1" >&2 || : ;;
    esac
}

# asks_root: this user may not read the log of the machine, and root.sh is there to read that of a slot for them.
asks_root() {
    [ "$(id -u)" != 0 ] && [ -x "$root_installed" ] || return 1
    for file in /var/log/journal/*/system.journal /run/log/journal/*/system.journal; do
        [ ! -r "$file" ] || return 1
    done
}

# slot_log SLOT LINES: the end of the log of its last start.
slot_log() {
    if asks_root; then
        printf '%s\n' "$2" | sudo -n "$root_installed" log "$1" 2>/dev/null || :
        return
    fi
    invocation=$(systemctl show --property InvocationID --value "$(unit_of "$1")" 2>/dev/null) || invocation=
    # The id is forgotten with the unit: then the unit's last lines, of whichever start.
    if [ -n "$invocation" ]; then wanted=_SYSTEMD_INVOCATION_ID=$invocation; else wanted=--unit=$(unit_of "$1"); fi
    journalctl --quiet --no-pager --output cat --lines "$2" "$wanted" 2>/dev/null || :
}
slot_log_follow() {
    if asks_root; then
        printf '%s\n' "$2" | sudo -n "$root_installed" follow "$1" 2>/dev/null
    else
        journalctl --quiet --no-pager --output cat --lines "$2" --follow --unit "$(unit_of "$1")" 2>/dev/null
    fi
}
