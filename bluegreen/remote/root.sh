# The steps that need root: VERB SLOT. `setup` installs it, owned by root; without `setup` it is sent and run by sudo.
# Takes: app base slots include runtime wants nginx listen verify method supervisor names_slot verify_ms hidden_ms
#   switch_answer_s user keep_for_s unit unit_text target_1 target_2 content_1 content_2
# Uses: lib ours route through_nginx systemd
# It trusts nothing that the deploying user may write or choose: no file, folder, umask or variable.

umask 022
cd /
verb=${1-}
slot=${2-}
number=0
found=
for entry in $slots; do
    number=$((number + 1))
    if [ "${entry%%:*}" != "$slot" ]; then other=${entry%%:*}; else
        found=$number
        port=${entry#*:}
        port=${port%%:*}
    fi
done
[ -n "$found" ] || fail 2 "usage: switch|start|stop|kill|expire|log|follow SLOT"

on_nginx() {
    eval "set -- $nginx \"\$@\""
    "$@"
}

# set_marker SLOT|none: nginx reads the marker at each request (method `instant`); the rename is the switch.
set_marker() {
    case $1 in
    none) rm -f "$runtime/$slot" "$runtime/$other" ;;
    "$slot") if [ -e "$runtime/$other" ]; then mv -fT "$runtime/$other" "$runtime/$slot"; else : >"$runtime/$slot"; fi ;;
    "$other") if [ -e "$runtime/$slot" ]; then mv -fT "$runtime/$slot" "$runtime/$other"; else : >"$runtime/$other"; fi ;;
    *) : >"$runtime/$slot" && : >"$runtime/$other" ;;
    esac
}

# restore: the previous include and marker, after a failure; ends with $problem.
restore() {
    trouble=
    mv -fT "$before" "$include" || trouble=yes
    set_marker "$marker_before" || trouble=yes
    [ -n "$boots_already" ] || at_boot disable "$slot"
    # The next request, or the stop of the slot, must not meet workers that still use the slot.
    [ -z "$reloaded" ] || reload_nginx || trouble=yes
    [ -z "$trouble" ] || fail 21 "$problem; restoring the previous route failed too: see $before and $include"
    fail 20 "$problem"
}

# reload_because WHY: `method`, `form` (the include had the other form) or `hidden` (nginx did not see the marker).
reload_because() {
    reloaded=yes
    if ! reload_nginx; then
        problem="nginx did not reload: $output"
        restore
    fi
    fact reloaded "$1"
}
# reload_nginx: returns when no old worker accepts connections any more; `nginx -s reload` returns long before that.
# Fails with nginx's message in `output`.
reload_nginx() {
    old_workers=$(workers)
    output=$(on_nginx -s reload 2>&1) || return 1
    until_ms=$(($(now_ms) + verify_ms))
    while accepts_connections "$old_workers" && [ "$(now_ms)" -lt "$until_ms" ]; do sleep 0.01; done
}
# workers: prints the pids of the workers of the nginx that listens.
workers() {
    master=$(port_owner "$listen")
    case $(words_of "$master") in "nginx: worker"*) master=$(awk '$1 == "PPid:" { print $2 }' "/proc/$master/status") ;; esac
    cat "/proc/$master/task/$master/children" 2>/dev/null || :
}
# accepts_connections PIDS: whether one of them does. A worker changes its title when it closes its listening sockets.
accepts_connections() {
    for worker in $1; do
        case $(words_of "$worker") in *"is shutting down"*) ;; "nginx: worker process"*) return 0 ;; esac
    done
    return 1
}

# answers: whether the slot answers through nginx; sets `answering`, `code` and `body`.
answers() {
    fetch_through_nginx "$verify" "$switch_answer_s"
    slot_of_answer "$body"
    [ "$named" = "$slot" ] || [ "$named" = "$target" ]
}

# answers_within MS: whether the slot answers in time; after a reload several times in a row, as the old workers accept
# connections for a while. An answer that repeatedly names no slot is then the slot's own error, which users see: it ends
# the wait.
answers_within() {
    until_ms=$(($(now_ms) + $1))
    in_a_row=0
    errors_in_a_row=0
    if [ -n "$reloaded" ]; then enough=5; else enough=1; fi
    while :; do
        if answers; then in_a_row=$((in_a_row + 1)); else in_a_row=0; fi
        [ "$in_a_row" -lt "$enough" ] || return 0
        if [ -n "$reloaded" ] && [ "$code" != 000 ] && [ -z "$answering" ]; then
            errors_in_a_row=$((errors_in_a_row + 1))
        else
            errors_in_a_row=0
        fi
        [ "$errors_in_a_row" -lt 10 ] || return 1
        [ "$(now_ms)" -lt "$until_ms" ] || return 1
        [ "$in_a_row" -gt 0 ] || sleep 0.02
    done
}

# switch_to_slot: points nginx at the slot and verifies that the slot answers, or restores the previous route.
# Prints the facts `reloaded` with WHY if a reload was needed, `verified` or `unverified` with CODE, `switched` with MS.
# Exit 20: not switched, the previous route is restored (stderr says why). Exit 21: restoring it failed too.
switch_to_slot() {
    began=$(now_ms)
    [ -n "$(port_inodes "$port")" ] || fail 20 "nothing listens on port $port of $slot"
    case $found in
    1) content=$content_1 target=$target_1 ;;
    *) content=$content_2 target=$target_2 ;;
    esac
    before=$(dirname "$include")/.bluegreen-before
    fresh=$(dirname "$include")/.bluegreen-new
    marker_before=$(marker_now)
    reloaded=
    # nginx runs with the include as it read it: a new form needs one reload.
    reload_first=
    if [ "$method" = reload ]; then reload_first=method; elif ! grep -q '^[[:space:]]*if (-e ' "$include"; then reload_first=form; fi

    # Both are new files of root: the owner of the old include must not own the file that root restores.
    if ! cp --remove-destination "$include" "$before"; then
        rm -f "$before"
        fail 20 "cannot keep a copy of $include"
    fi
    if ! { rm -f "$fresh" && printf '%s\n' "$content" >"$fresh" && sync "$fresh"; }; then
        rm -f "$fresh" "$before"
        fail 20 "cannot write beside $include (disk full?)"
    fi
    # At a boot systemd must start the slot of the include, whenever the power is cut: for a moment here, both.
    boots_already=
    [ ! -L "$wants/$app@$slot.service" ] || boots_already=yes
    at_boot enable "$slot"
    mv -fT "$fresh" "$include"
    if ! tested=$(on_nginx -t 2>&1); then
        problem="nginx rejects the configuration: $tested"
        restore
    fi
    if [ "$method" = instant ] && ! { mkdir -p "$runtime" && set_marker "$slot"; }; then
        problem="cannot set the marker in $runtime"
        restore
    fi
    [ -z "$reload_first" ] || reload_because "$reload_first"
    if [ -n "$names_slot" ]; then
        # A file cache in that server (open_file_cache) hides the marker, and nginx may not have loaded an include
        # that was edited by hand: one reload fixes both.
        [ -n "$reloaded" ] || answers_within "$hidden_ms" || reload_because hidden
        if ! answers_within "$verify_ms"; then
            problem="nginx does not answer from $slot: $verify answered $code $(printf '%s' "$body" | head -c 200)"
            restore
        fi
        fact verified "$code"
    else
        # No path names the slot: it suffices that an application answers, not nginx for it (502, 504).
        answers || :
        case $code in
        [1-4]??) fact unverified "$code" ;;
        *)
            problem="nginx does not answer from $slot: $verify answered $code"
            restore
            ;;
        esac
    fi
    [ "$method" = instant ] || set_marker none
    at_boot disable "$other"
    rm -f "$before"
    fact switched "$(($(now_ms) - began))"
}

# at_boot enable|disable SLOT: makes systemd start the slot at a boot, or not. It makes and removes the links itself:
# two calls of systemctl took 11 of the 80 ms of a switch.
at_boot() {
    [ "$supervisor" = systemd ] || return 0
    link=$wants/$app@$2.service
    case $1 in
    enable) [ -L "$link" ] || { mkdir -p "$wants" && ln -s "$unit" "$link"; } || : ;;
    disable) rm -f "$link" ;;
    esac
}

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
    systemd-run --quiet --collect --unit="$app-expire-$slot" --uid="$user" --on-active="$keep_for_s" \
        --timer-property=AccuracySec=1s /bin/sh "$base/slots/$slot.expire" ||
        fail 1 "systemd rejected the timer that stops $slot"
    fact expires "$keep_for_s"
}

# read_lines: sets `lines`, the number of log lines to print, from the input.
read_lines() {
    read -r lines || lines=
    case $lines in '' | *[!0-9]* | ????????*) fail 2 "$verb: the input must be a number of lines" ;; esac
}

case $verb in
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
*) fail 2 "usage: switch|start|stop|kill|expire|log|follow SLOT" ;;
esac
