# What needs root on a host with systemd: VERB SLOT, and nothing else can be said to it. `setup` installs it,
# owned by root, with the settings of that day; without `setup` it is sent along and run through sudo.
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

# set_marker SLOT|none: method `instant` reads it at each request; the rename is the switch.
set_marker() {
    case $1 in
    none) rm -f "$runtime/$slot" "$runtime/$other" ;;
    "$slot") if [ -e "$runtime/$other" ]; then mv -fT "$runtime/$other" "$runtime/$slot"; else : >"$runtime/$slot"; fi ;;
    "$other") if [ -e "$runtime/$slot" ]; then mv -fT "$runtime/$slot" "$runtime/$other"; else : >"$runtime/$other"; fi ;;
    *) : >"$runtime/$slot" && : >"$runtime/$other" ;;
    esac
}

put_back() {
    trouble=
    mv -fT "$before" "$include" || trouble=yes
    set_marker "$marker_before" || trouble=yes
    [ -n "$boots_already" ] || at_boot disable "$slot"
    # Whoever asks next, or stops the slot, must not meet the workers that still go there.
    [ -z "$reloaded" ] || reload_nginx || trouble=yes
    [ -z "$trouble" ] || fail 21 "$problem; and the way back failed too: see $before and $include"
    fail 20 "$problem"
}

# reload WHY: form (the include had another), method, or hidden (nginx did not see the switch without one).
reload() {
    reloaded=yes
    if ! reload_nginx; then
        problem="nginx did not reload: $told"
        put_back
    fi
    say "reloaded $1"
}
# reload_nginx: returns once no worker of before takes connections any more: nginx itself says it was done long
# before that. Fails with nginx's words in `told`.
reload_nginx() {
    workers_of_before=$(workers)
    told=$(on_nginx -s reload 2>&1) || return 1
    until_ms=$(($(now_ms) + verify_ms))
    while takes_connections "$workers_of_before" && [ "$(now_ms)" -lt "$until_ms" ]; do sleep 0.01; done
}
# workers: the pids of the workers of the nginx that listens.
workers() {
    master=$(port_owner "$listen")
    case $(words_of "$master") in "nginx: worker"*) master=$(awk '$1 == "PPid:" { print $2 }' "/proc/$master/status") ;; esac
    cat "/proc/$master/task/$master/children" 2>/dev/null || :
}
# takes_connections PIDS: one of them does. A worker changes its title as it closes its listening sockets.
takes_connections() {
    for worker in $1; do
        case $(words_of "$worker") in *"is shutting down"*) ;; "nginx: worker process"*) return 0 ;; esac
    done
    return 1
}

# answers: through nginx, from the slot.
answers() {
    fetch_through_nginx "$verify" 2
    told=$(printf '%s' "$body" | tr -d '"[:space:]')
    [ "$told" = "$slot" ] || [ "$told" = "$target" ]
}

# answers_within MS: after a reload several times in a row, as the old workers take connections for a while.
# By then what names no slot at all, time and again, is the slot's own error: users need not see it any longer.
answers_within() {
    until_ms=$(($(now_ms) + $1))
    in_a_row=0
    errors_in_a_row=0
    if [ -n "$reloaded" ]; then enough=5; else enough=1; fi
    while :; do
        if answers; then in_a_row=$((in_a_row + 1)); else in_a_row=0; fi
        [ "$in_a_row" -lt "$enough" ] || return 0
        answering=
        slot_of_answer "$body"
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

# Points nginx at the slot, sees that it answers from there, or puts back what was.
# Prints `reloaded WHY` if a reload was needed, `verified CODE` or `unverified CODE`, `switched MS`.
# Exit 20: not switched, all as before (stderr says why). Exit 21: not switched, and the way back failed too.
switch_to_slot() {
    began=$(now_ms)
    [ -n "$(port_inodes "$port")" ] || fail 20 "nothing listens on port $port of $slot"
    eval "content=\$content_$found target=\$target_$found"
    before=$(dirname "$include")/.bluegreen-before
    fresh=$(dirname "$include")/.bluegreen-new
    marker_before=$(marker_now)
    reloaded=
    # An include of the other form was loaded by nginx as such: the new form needs one reload.
    reload_first=
    if [ "$method" = reload ]; then reload_first=method; elif ! grep -q '^[[:space:]]*if (-e ' "$include"; then reload_first=form; fi

    # Both are new files of root: whoever owned the include before must not own what root goes back to.
    if ! cp --remove-destination "$include" "$before"; then
        rm -f "$before"
        fail 20 "cannot keep a copy of $include"
    fi
    if ! { rm -f "$fresh" && printf '%s\n' "$content" >"$fresh" && sync "$fresh"; }; then
        rm -f "$fresh" "$before"
        fail 20 "cannot write beside $include (disk full?)"
    fi
    # At a boot systemd starts what the include names, whenever the power is cut: both slots for a moment here.
    boots_already=
    [ ! -L "$wants/$app@$slot.service" ] || boots_already=yes
    at_boot enable "$slot"
    mv -fT "$fresh" "$include"
    if ! tested=$(on_nginx -t 2>&1); then
        problem="nginx refuses the configuration: $tested"
        put_back
    fi
    if [ "$method" = instant ] && ! { mkdir -p "$runtime" && set_marker "$slot"; }; then
        problem="cannot set the marker in $runtime"
        put_back
    fi
    [ -z "$reload_first" ] || reload "$reload_first"
    if [ -n "$names_slot" ]; then
        # A file cache in that server (open_file_cache) hides the marker, and an include edited by hand may
        # not have been loaded: one reload mends both.
        [ -n "$reloaded" ] || answers_within 500 || reload hidden
        if ! answers_within "$verify_ms"; then
            problem="nginx does not answer from $slot: $verify answered $code $(printf '%s' "$body" | head -c 200)"
            put_back
        fi
        say "verified $code"
    else
        # No path tells the slot: that an application answers must do, and not nginx in its place (502, 504).
        answers || :
        case $code in
        [1-4]??) say "unverified $code" ;;
        *)
            problem="nginx does not answer from $slot: $verify answered $code"
            put_back
            ;;
        esac
    fi
    [ "$method" = instant ] || set_marker none
    at_boot disable "$other"
    rm -f "$before"
    say "switched $(($(now_ms) - began))"
}

# at_boot enable|disable SLOT: whether systemd starts it at a boot. The links that systemctl would make and remove,
# which are read at the next boot: its two calls took 11 of some 80 ms of a switch.
at_boot() {
    [ "$supervisor" = systemd ] || return 0
    link=$wants/$app@$2.service
    case $1 in
    enable) [ -L "$link" ] || { mkdir -p "$wants" && ln -s "$unit" "$link"; } || : ;;
    disable) rm -f "$link" ;;
    esac
}

# Without `setup` there is no unit yet.
start_unit() {
    if [ ! -e "$unit" ]; then
        others=$(unit_of_others)
        [ -z "$others" ] || fail 1 "$others is a unit of that name already: give the app another in config.yml"
        printf '%s' "$unit_text" >"$unit.new"
        mv -fT "$unit.new" "$unit"
        systemctl daemon-reload
    fi
    # After five deaths in a row systemd would refuse: this is another release.
    systemctl reset-failed "$app@$slot.service" 2>/dev/null || :
    systemctl start "$app@$slot.service"
}

# Whoever wrote slots/SLOT.expire, it is run as the user whose folder it is in. Prints `expires SECONDS`.
expire_later() {
    [ "$keep_for_s" -gt 0 ] || fail 1 "old_slot.keep_for was not set when \`setup\` ran on this host: run it again"
    systemctl stop "$app-expire-$slot.timer" 2>/dev/null || :
    systemd-run --quiet --collect --unit="$app-expire-$slot" --uid="$user" --on-active="$keep_for_s" \
        --timer-property=AccuracySec=1s /bin/sh "$base/slots/$slot.expire" ||
        fail 1 "systemd did not take the timer that stops $slot"
    say "expires $keep_for_s"
}

# read_lines: sets `lines`, how many of the log are wanted, from the input.
read_lines() {
    read -r lines || lines=
    case $lines in '' | *[!0-9]* | ????????*) fail 2 "$verb: how many lines?" ;; esac
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
    # It ends when nobody listens any more.
    trap - PIPE
    read_lines
    slot_log_follow "$slot" "$lines"
    ;;
*) fail 2 "usage: switch|start|stop|kill|expire|log|follow SLOT" ;;
esac
