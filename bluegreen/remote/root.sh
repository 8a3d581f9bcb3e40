# The steps that need root: VERB SLOT. `setup` installs it, owned by root; without `setup` it is sent and run by sudo.
# Takes: app base user keep_for_s unit unit_text
# Uses: lib ours systemd chosen_slot switching
# It trusts nothing that the deploying user may write or choose: no file, folder, umask or variable.

umask 022
cd /
verb=${1-}
usage="usage: examine|convert|preview|switch|start|stop|kill|expire|log|follow SLOT"
choose_slot "${2-}" || fail 2 "$usage"

# start_unit: starts the slot's unit, after writing the template on a host without `setup`.
start_unit() {
    if [ ! -e "$unit" ]; then
        others=$(unit_of_others)
        [ -z "$others" ] || fail 1 "$others is already a unit of that name: give the app another name in config.yml"
        printf '%s' "$unit_text" >"$unit.new"
        mv -fT "$unit.new" "$unit"
        systemctl daemon-reload
    fi
    # After five crashes in a row systemd would refuse to start it, but this may be another release.
    systemctl reset-failed "$app@$slot.service" 2>/dev/null || :
    systemctl start "$app@$slot.service"
}

# expire_later: makes a timer that runs slots/SLOT.expire, as the user who may write it. Prints the fact `expires`.
expire_later() {
    [ "$keep_for_s" -gt 0 ] ||
        fail 1 "old_slot.keep_for was not set when \`bluegreen setup\` ran for this host: run it again"
    systemctl stop "$app-expire-$slot.timer" 2>/dev/null || :
    # systemd keeps a unit that failed under its name. `systemd-run --collect` exists from systemd 236 on.
    systemctl reset-failed "$app-expire-$slot.timer" "$app-expire-$slot.service" 2>/dev/null || :
    systemd-run --quiet --unit="$app-expire-$slot" --uid="$user" --on-active="$keep_for_s" \
        --timer-property=AccuracySec=1s /bin/sh "$base/slots/$slot.expire" ||
        fail 1 "systemd rejected the timer that stops $slot"
    fact expires "$keep_for_s"
}

# read_lines: sets `lines`, the number of log lines to print, from the input.
read_lines() {
    read -r lines || lines=
    case $lines in '' | *[!0-9]* | ????????*) fail 2 "$verb: the input must be a number of lines" ;; esac
}

# examine_nginx: prints the facts `nginx.test`, the output of `nginx -t` and `sound` if it succeeds, and `nginx.config`.
examine_nginx() {
    fact nginx.test "$(if on_nginx -t 2>&1; then echo sound; fi)"
    fact nginx.config "$(configuration)"
}

case $verb in
examine) examine_nginx ;;
convert) convert_include ;;
preview) preview_slot ;;
switch) switch_to_slot ;;
start) start_unit ;;
stop) systemctl stop --no-block "$app@$slot.service" ;;
expire) expire_later ;;
kill) systemctl kill --signal=KILL "$app@$slot.service" ;;
log)
    read_lines
    slot_log "$slot" "$lines"
    ;;
follow)
    # It ends when its reader disconnects.
    trap - PIPE
    read_lines
    slot_log_follow "$slot" "$lines"
    ;;
*) fail 2 "$usage" ;;
esac
