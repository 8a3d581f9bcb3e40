# The supervisor `systemd`, acting. The unit runs slots/SLOT.start.
# Takes: base workdir
# Uses: lib systemd as_root

# SLOT.start reads the environment of slots/SLOT.env (0600) itself, as the user: systemd would read an EnvironmentFile=
# as root, wherever the user made it a link to.

# slot_start SLOT RELEASE ENVIRONMENT COMMAND…: starts the unit; prints the pid of the JVM.
slot_start() {
    start_slot=$1
    start_release=$2
    start_environment=$3
    shift 3
    (
        umask 077
        printf '%s\n' "$start_environment" >"$base/slots/.$start_slot.env.new"
        {
            printf 'cd %s || exit\n' "$(quoted "$workdir")"
            printf 'set -a\n. %s\nset +a\nexec' "$(quoted "$base/slots/$start_slot.env")"
            for word in "$@"; do printf ' %s' "$(quoted "$word")"; done
            printf '\n'
        } >"$base/slots/.$start_slot.start.new"
    )
    mv -fT "$base/slots/.$start_slot.env.new" "$base/slots/$start_slot.env"
    mv -fT "$base/slots/.$start_slot.start.new" "$base/slots/$start_slot.start"
    as_root start "$start_slot" >&2 || fail 1 "systemd did not start $(unit_of "$start_slot"): $(slot_log "$start_slot" 5)"
    start_pid=$(slot_pid "$start_slot")
    [ -n "$start_pid" ] || fail 1 "$(unit_of "$start_slot") ended at once: $(slot_log "$start_slot" 10)"
    # A unit that was written for another releases.path would start another release, and it would become UP.
    case "$(words_of "$start_pid")" in
    '' | *" $base/slots/$start_slot.start "* | *" -Dbluegreen.release=$start_release "*) ;;
    *)
        as_root stop "$start_slot" >&2 || :
        fail 1 "$(unit_of "$start_slot") runs another folder than $base: it was written for other settings; run setup"
        ;;
    esac
    say "$start_pid"
}

# quoted TEXT: prints it as one word of sh.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

slot_stop() { as_root stop "$1"; }
slot_kill() { as_root kill "$1"; }

# slot_expires SLOT SECONDS: a transient timer of systemd runs slots/SLOT.expire as this user, after the seconds that
# `setup` was given. Prints the fact `expires`.
slot_expires() { as_root expire "$1"; }

# slot_leave SLOT: keeps systemd from starting a JVM again that died and has no pid any more.
slot_leave() {
    case $(property_of "$(unit_of "$1")" SubState) in
    auto-restart*) as_root stop "$1" >&2 || : ;;
    esac
}
