# The supervisor `process`: setsid and a pid file, for hosts without systemd and for the sandbox.
# A pid file holds pid, start time and boot id: no later process can be taken for ours.
boot_id() { cat /proc/sys/kernel/random/boot_id; }

# slot_pid SLOT: the pid of the slot's JVM, nothing if it does not run.
slot_pid() {
    read -r file_pid file_started file_boot 2>/dev/null <"$base/run/$1.pid" || return 0
    [ "$file_boot" = "$(boot_id)" ] && alive "$file_pid" && [ "$started" = "$file_started" ] || return 0
    say "$file_pid"
}

# slot_start SLOT FOLDER COMMAND…: the JVM with $environment, in a session of its own, its output in logs/SLOT.log.
slot_start() {
    start_slot=$1
    start_folder=$2
    shift 2
    mkdir -p "$base/run" "$base/logs"
    rm -f "$base/run/$start_slot.pid"
    [ ! -e "$base/logs/$start_slot.log" ] || mv -f "$base/logs/$start_slot.log" "$base/logs/$start_slot.previous.log"
    (
        exec 8>&- </dev/null >"$base/logs/$start_slot.log" 2>&1
        cd "$start_folder" || exit 1
        trap - PIPE
        BLUEGREEN_PID_FILE=$base/run/$start_slot.pid
        export BLUEGREEN_PID_FILE
        if [ -n "$login_lc_all" ]; then LC_ALL=$login_lc_all; else unset LC_ALL; fi
        # Last, and in this subshell alone: a variable of the application may have the name of one of ours.
        set -a
        eval "$environment"
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
        alive "$launcher" || [ -s "$base/run/$start_slot.pid" ] || fail 1 "the JVM could not be launched: $(tail -n 5 "$base/logs/$start_slot.log" 2>/dev/null)"
        sleep 0.02
    done
    read -r file_pid _ <"$base/run/$start_slot.pid"
    say "$file_pid"
}

# slot_stop SLOT PID, slot_kill SLOT PID
slot_stop() { kill -TERM "$2"; }
slot_kill() { kill -KILL "$2"; }
# slot_expires SLOT: a process of its own waits, and runs slots/SLOT.expire. Prints `expires SECONDS`.
slot_expires() {
    (
        exec 8>&- </dev/null >"$base/logs/$1.expire.log" 2>&1
        # shellcheck disable=SC2016 # expanded by the inner shell
        exec setsid sh -c 'sleep "$1"; exec sh "$2"' "$1.expire" "$keep_for_s" "$base/slots/$1.expire"
    ) &
    say "expires $keep_for_s"
}

# slot_boots SLOT: nobody starts it at a boot.
slot_boots() { false; }

# slot_leave SLOT: nobody starts a JVM again here.
slot_leave() { :; }

# slot_log SLOT LINES: the end of the log of its last start.
slot_log() { tail -n "$2" "$base/logs/$1.log" 2>/dev/null || :; }
slot_log_follow() { tail -n "$2" -F "$base/logs/$1.log" 2>/dev/null; }
