# The supervisor `process`, reading: setsid and a pid file, for hosts without systemd and for the sandbox.
# Takes: base
# Uses: lib

# A pid file contains pid, start time and boot id, so that no later process can be taken for ours.
boot_id() { cat /proc/sys/kernel/random/boot_id; }

# slot_pid SLOT: prints the pid of the slot's JVM, nothing if it does not run.
slot_pid() {
    read -r file_pid file_started file_boot 2>/dev/null <"$base/run/$1.pid" || return 0
    [ "$file_boot" = "$(boot_id)" ] && alive "$file_pid" && [ "$started" = "$file_started" ] || return 0
    say "$file_pid"
}

# search_path SLOT: prints the PATH on which the JVM's command is found: that of the script which starts it.
search_path() { say "$PATH"; }

# slot_boots SLOT: whether it starts at a boot; this supervisor starts nothing then.
slot_boots() { false; }

# slot_log SLOT LINES: prints the end of the log of its last start.
slot_log() { tail -n "$2" "$base/logs/$1.log" 2>/dev/null || :; }
slot_log_follow() { tail -n "$2" -F "$base/logs/$1.log" 2>/dev/null; }
