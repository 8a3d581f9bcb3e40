# The supervisor `systemd`, reading: each slot is an instance of the template unit APP@.service.
# Takes: app wants root_installed
# Uses: lib

unit_of() { say "$app@$1.service"; }

# slot_pid SLOT: prints the pid of the slot's JVM, nothing if it does not run.
slot_pid() {
    unit_pid=$(property_of "$(unit_of "$1")" MainPID)
    [ "${unit_pid:-0}" = 0 ] || say "$unit_pid"
}

# search_path SLOT: prints the PATH on which the unit finds its commands: its own, if a drop-in sets one, or systemd's.
search_path() {
    found_path=$(systemctl show --property Environment "$(unit_of "$1")" 2>/dev/null | sed 's/^Environment=//' |
        tr ' ' '\n' | sed -n 's/^"\{0,1\}PATH=//p' | tail -n 1 | tr -d '"') || found_path=
    [ -n "$found_path" ] || found_path=$(systemctl show-environment 2>/dev/null | sed -n 's/^PATH=//p') || found_path=
    say "${found_path:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
}

# slot_boots SLOT: whether systemd starts it at a boot.
slot_boots() { [ -L "$wants/$(unit_of "$1")" ]; }

# asks_root: whether only root.sh can read a slot's log for this user, who may not read the machine's journal.
asks_root() {
    [ "$(id -u)" != 0 ] && [ -x "$root_installed" ] || return 1
    for file in /var/log/journal/*/system.journal /run/log/journal/*/system.journal; do
        [ ! -r "$file" ] || return 1
    done
}

# slot_log SLOT LINES: prints the end of the log of its last start.
slot_log() {
    if asks_root; then
        printf '%s\n' "$2" | sudo -n "$root_installed" log "$1" 2>/dev/null || :
        return
    fi
    invocation=$(property_of "$(unit_of "$1")" InvocationID)
    # systemd forgets the id when it unloads the unit: then the unit's last lines, whichever start wrote them.
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
