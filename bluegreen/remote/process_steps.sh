# The supervisor `process`, acting.
# Takes: base workdir
# Uses: lib process

# slot_start SLOT RELEASE ENVIRONMENT COMMAND…: starts the JVM in a session of its own, with its output in logs/SLOT.log;
# prints its pid.
slot_start() {
    start_slot=$1
    start_environment=$3
    shift 3
    mkdir -p "$base/run" "$base/logs"
    rm -f "$base/run/$start_slot.pid"
    [ ! -e "$base/logs/$start_slot.log" ] || mv -f "$base/logs/$start_slot.log" "$base/logs/$start_slot.previous.log"
    (
        exec 8>&- </dev/null >"$base/logs/$start_slot.log" 2>&1
        cd "$workdir" || exit 1
        trap - PIPE
        BLUEGREEN_PID_FILE=$base/run/$start_slot.pid
        export BLUEGREEN_PID_FILE
        if [ -n "$login_lc_all" ]; then LC_ALL=$login_lc_all; else unset LC_ALL; fi
        # Last, and only in this subshell: a variable of the application may have the name of one of ours.
        set -a
        eval "$start_environment"
        set +a
        # shellcheck disable=SC2016 # expanded by the inner shell, whose pid and start time the JVM keeps
        exec setsid sh -c '
            IFS= read -r bluegreen_stat </proc/$$/stat
            bluegreen_file=$BLUEGREEN_PID_FILE
            unset BLUEGREEN_PID_FILE
            set -- "$(set -- ${bluegreen_stat##*) }; echo "${20}")" "$@"
            echo "$$ $1 $(cat /proc/sys/kernel/random/boot_id)" >"$bluegreen_file.new" && mv -f "$bluegreen_file.new" "$bluegreen_file" || exit 1
            shift
            exec "$@"
        ' "$start_slot" "$@"
    ) &
    launcher=$!
    until [ -s "$base/run/$start_slot.pid" ]; do
        alive "$launcher" || [ -s "$base/run/$start_slot.pid" ] ||
            fail 1 "the JVM could not be launched: $(tail -n 5 "$base/logs/$start_slot.log" 2>/dev/null)"
        sleep 0.02
    done
    read -r file_pid _ <"$base/run/$start_slot.pid"
    say "$file_pid"
}

# slot_stop SLOT PID, slot_kill SLOT PID
slot_stop() { kill -TERM "$2"; }
slot_kill() { kill -KILL "$2"; }

# slot_expires SLOT SECONDS: starts a process that waits, then runs slots/SLOT.expire. Prints the fact `expires`.
slot_expires() {
    (
        exec 8>&- </dev/null >"$base/logs/$1.expire.log" 2>&1
        # shellcheck disable=SC2016 # expanded by the inner shell
        exec setsid sh -c 'sleep "$1"; exec sh "$2"' "$1.expire" "$2" "$base/slots/$1.expire"
    ) &
    fact expires "$2"
}

# slot_leave SLOT: keeps a JVM that died from being started again; this supervisor never does.
slot_leave() { :; }
