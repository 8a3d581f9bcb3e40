# The route of nginx as root changes it: the include and its marker, the reload, the preview.
# Takes: app slots include runtime wants unit method supervisor verify_ms hidden_ms
#   look_answer_s
# Uses: lib chosen_slot route include nginx_config reload view

# read_form: reads from the input how the include is to be written: lines `variable NAME`, `target_1 VALUE`,
# `target_2 VALUE`, `named yes` if the verify path names the slot, `back yes` for a way back, `answer_s` for one answer,
# and what is asked of this machine's nginx: `verify`, `server_name`, `listen`, as config.yml may have changed since
# `setup`. Whoever deploys chose them, so only what routes to the app's own slots is accepted.
read_form() {
    variable=
    target_1=
    target_2=
    names_slot=
    way_back=
    answer_s=2
    form_key=
    while read -r form_key form_value || [ -n "$form_key" ]; do
        case $form_key in
        variable) variable=$form_value ;;
        target_1) target_1=$form_value ;;
        target_2) target_2=$form_value ;;
        named) names_slot=$form_value ;;
        back) way_back=$form_value ;;
        answer_s) answer_s=$form_value ;;
        verify)
            case $form_value in
            '' | [!/]* | *[!A-Za-z0-9._~!$\&\'\(\)*+,\;=:@%/?-]*) ;;
            *) verify=$form_value ;;
            esac
            ;;
        server_name) case $form_value in *[!A-Za-z0-9._-]*) ;; *) server_name=$form_value ;; esac ;;
        listen) case $form_value in '' | *[!0-9]*) ;; *) listen=$form_value ;; esac ;;
        esac
    done
    case $variable in '' | *[!A-Za-z0-9_]*) fail 1 "the input names no variable of nginx" ;; esac
    case $answer_s in '' | *[!0-9.]*) fail 1 "answer_s must be a number of seconds" ;; esac
    loaded_groups=
    number=0
    for entry in $slots; do
        number=$((number + 1))
        entry_port=${entry#*:}
        case $number in 1) each_target=$target_1 ;; *) each_target=$target_2 ;; esac
        routes_to "$each_target" "${entry_port%%:*}" || fail 20 "nginx has no way to ${entry%%:*} as $each_target"
    done
    case $found in 1) target=$target_1 ;; *) target=$target_2 ;; esac
}
# routes_to TARGET PORT: whether nginx sends requests for that target to the port on this machine.
routes_to() {
    target_host=${1#http://}
    target_host=${target_host#https://}
    target_host=${target_host%%/*}
    case $1 in '' | *[!A-Za-z0-9._:/~%\[\]-]*) return 1 ;; esac
    case $target_host in "127."*":$2") return 0 ;; "[::1]:$2") return 0 ;; esac
    # What our own lines name is loaded already.
    ! grep -qF "{ set \$$variable $1; }" "$include" 2>/dev/null || return 0
    [ -n "$loaded_groups" ] || loaded_groups=$(configuration)
    [ "$(printf '%s\n' "$loaded_groups" | group_port "$target_host")" = "$2" ]
}

# set_marker SLOT|none: nginx reads the marker at each request (method `instant`); the rename is the switch.
# printf, as a redirection of `:` that fails would end the whole script (POSIX, special built-in utilities).
set_marker() {
    case $1 in
    none) rm -f "$runtime/$slot" "$runtime/$other" ;;
    "$slot") if [ -e "$runtime/$other" ]; then mv -fT "$runtime/$other" "$runtime/$slot"; else printf '' >"$runtime/$slot"; fi ;;
    "$other") if [ -e "$runtime/$slot" ]; then mv -fT "$runtime/$slot" "$runtime/$other"; else printf '' >"$runtime/$other"; fi ;;
    *) printf '' >"$runtime/$slot" && printf '' >"$runtime/$other" ;;
    esac
}

# restore CODE TEXT: puts back the previous include and marker, and ends with CODE and TEXT; with 21 if it cannot.
restore() {
    trouble=
    if [ -e "$before" ]; then mv -fT "$before" "$written" || trouble=yes; else rm -f "$written"; fi
    give_access "$written"
    set_marker "$marker_before" || trouble=yes
    [ -n "$boots_already" ] || at_boot disable "$slot"
    # The next request, or the stop of the slot, must not meet workers that still use the slot.
    [ -z "$reloaded" ] || reload_nginx || trouble=yes
    [ -z "$trouble" ] || fail 21 "$2; restoring the previous route failed too: see $before and $include"
    fail "$1" "$2"
}

# load_include WHY: nginx tests its configuration and reloads. WHY: `method`, `form` (the include has new lines), `edited`
# (it was changed and not loaded) or `hidden` (nginx did not see the marker).
load_include() {
    tested=$(on_nginx -t 2>&1) || restore "$failed" "nginx rejects the configuration: $tested"
    reloaded=yes
    reload_nginx || restore "$failed" "nginx did not reload: $output"
    fact reloaded "$1"
}

# names_itself SLOT PORT: whether the slot names itself on its own port; sets `code` and `body`.
names_itself() {
    fetch_slot "$2" "$verify" "$answer_s"
    slot_of_answer "$body"
    [ "$answering" = "$1" ]
}

# verify_slot: whether the slot answers through nginx, after the route was moved to it. Sets `outcome` to `verified`; to
# `hidden` if the other slot answers on; to `failing` if the slot itself does not answer; to `unnamed` if nginx answers
# by itself (limit_req), while the slot answers on its own port.
# After a reload it must answer several times in a row, as the old workers accept connections for a while.
verify_slot() {
    clock
    until_ms=$((now_ms + $1))
    in_a_row=0
    if [ -n "$reloaded" ]; then enough=5; else enough=1; fi
    while :; do
        fetch_through_nginx "$verify" "$answer_s"
        through_code=$code
        through_body=$body
        slot_of_answer "$body"
        outcome=hidden
        if [ "$answering" = "$slot" ]; then
            in_a_row=$((in_a_row + 1))
            outcome=verified
            [ "$in_a_row" -lt "$enough" ] || return 0
        else
            in_a_row=0
        fi
        if [ -z "$answering" ]; then
            outcome=failing
            names_itself "$slot" "$port" || return 0
            # Where nginx does not get a good answer from the slot, users do not either, whatever the slot answers here.
            case $through_code in 000 | 500 | 502 | 504) ;; *) outcome=unnamed ;; esac
        fi
        clock
        [ "$now_ms" -lt "$until_ms" ] || return 0
        [ "$in_a_row" -gt 0 ] || sleep 0.02
    done
}

# convert_include: writes the include for the slot that serves, in the form of the method, and nginx loads it: nothing
# moves. Prints the fact `reloaded`. Exit 20: the previous include is restored (stderr says why). Exit 21: it could not be.
convert_include() {
    failed=20
    read_form
    begin_change
    if [ -z "$names_slot" ]; then
        fetch_through_nginx "$verify" "$look_answer_s"
        code_before=$code
    fi
    prepare_include "$method" "$variable" "$target" "$target_1" "$target_2"
    mv -fT "$fresh" "$written"
    keep_original
    if [ "$method" = instant ] && ! { mkdir -p "$runtime" && set_marker "$slot"; }; then
        restore 20 "cannot set the marker in $runtime"
    fi
    if [ -n "$changed" ]; then load_include form; else load_include edited; fi
    if [ -n "$names_slot" ]; then
        verify_slot "$verify_ms"
        case $outcome-$through_code in
        verified-* | unnamed-429 | unnamed-503) ;;
        *) restore 20 "$slot does not answer through nginx any more: $verify answered $through_code" ;;
        esac
    else
        # The reload has ended: no old worker accepts this.
        fetch_through_nginx "$verify" "$look_answer_s"
        case $code in
        "$code_before" | 429 | 503) ;;
        000 | 404 | 5??) restore 20 "$verify answered $code_before, and $code with the converted include" ;;
        esac
    fi
    [ "$method" = instant ] || set_marker none
    rm -f "$before"
}
begin_change() {
    marker_before=$(marker_now)
    reloaded=
    boots_already=yes
}

# switch_to_slot: points nginx at the slot and verifies that the slot answers, or restores the previous route.
# Prints the facts `reloaded` with WHY if a reload was needed, `verified` or `unverified` with CODE, `switched` with MS.
# stderr says why it failed:
# Exit 20: not switched. Exit 23: not tried, as nothing listens in the slot. Exit 22: it was, the slot failed, and users
# are back. Exit 21: restoring the route failed.
switch_to_slot() {
    clock
    began=$now_ms
    failed=20
    read_form
    [ -n "$(port_inodes "$port")" ] || fail 23 "nothing listens on port $port of $slot"
    begin_change
    # nginx has loaded the lines of bluegreen 0.1, and no others, until a deploy converts the include.
    form=$method
    if ! grep -q '# bluegreen: begin' "$include" 2>/dev/null &&
        grep -qF -e "if (-e $runtime/" -e "if (-e \"$runtime/" "$include" 2>/dev/null; then form=markers; fi
    prepare_include "$form" "$variable" "$target" "$target_1" "$target_2"
    # At a boot systemd must start the slot of the include, whenever the power is cut: for a moment here, both.
    boots_already=
    [ ! -L "$wants/$app@$slot.service" ] || boots_already=yes
    at_boot enable "$slot"
    mv -fT "$fresh" "$written"
    if [ "$method" = instant ]; then
        # nginx has loaded both targets: no other file of nginx can stop this.
        { mkdir -p "$runtime" && set_marker "$slot"; } || restore 20 "cannot set the marker in $runtime"
    else
        keep_original
        load_include method
    fi
    # From here on users may be on the slot.
    failed=22
    if [ -n "$names_slot" ]; then verify_named; else verify_unnamed; fi
    [ "$method" = instant ] || set_marker none
    at_boot disable "$other"
    rm -f "$before"
    clock
    fact switched "$((now_ms - began))"
}
verify_named() {
    if [ "$method" = instant ]; then
        # A file cache in that server (open_file_cache) hides the marker, and nginx may not have loaded an include that
        # was edited by hand: one reload fixes both.
        verify_slot "$hidden_ms"
        if [ "$outcome" = hidden ]; then
            failed=20
            load_include hidden
            failed=22
            verify_slot "$verify_ms"
        fi
    else
        verify_slot "$verify_ms"
    fi
    # A way back is not undone because nginx hides the slot from this machine, as long as the slot itself answers.
    if [ "$outcome" = failing ] && [ -n "$way_back" ] && [ "$code" != 000 ]; then outcome=unnamed; fi
    case $outcome in
    verified) fact verified "$code" ;;
    unnamed) fact unverified "$through_code" ;;
    hidden) restore 20 "nginx does not answer from $slot: $verify answered $through_code $(excerpt "$through_body")" ;;
    *)
        problem="$slot does not answer users: $verify answered $(answer_text "$through_code" "$through_body") through nginx"
        restore 22 "$problem, and $(answer_text "$code" "$body") on its own port"
        ;;
    esac
}
# verify_unnamed: no path names the slot: it suffices that an application answers, not nginx for it (502, 504).
verify_unnamed() {
    fetch_through_nginx "$verify" "$answer_s"
    through_code=$code
    through_body=$body
    # nginx answers 503 by itself where it limits requests (limit_req), and a site may be hidden from this machine.
    case $code-$way_back in
    [1-4]??-*) ;;
    503-* | *-yes) fetch_slot "$port" "$verify" "$answer_s" ;;
    esac
    case $code-$way_back in
    [1-4]??-* | 5??-yes) fact unverified "$through_code" ;;
    *) restore 22 "nginx does not answer from $slot: $verify answered $(answer_text "$through_code" "$through_body")" ;;
    esac
}
excerpt() { printf '%s' "$1" | head -c 200; }
answer_text() {
    if [ "$1" = 000 ]; then say nothing; else say "$1 $(excerpt "$2")"; fi
}

# preview_slot: asks the verify path through nginx with a token that sends this request alone to the slot, before any user
# is moved. The token is revoked at the end. Prints the facts of `view`, and of `own_answer` if the slot did not answer.
preview_slot() {
    read_form
    rm -rf "$runtime/preview"
    mkdir -p "$runtime/preview"
    # nginx tests a name; nobody may list them.
    chmod 711 "$runtime/preview"
    preview_token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    trap 'rm -rf "$runtime/preview"' EXIT
    printf '' >"$runtime/preview/$preview_token"
    fetch_unless_limited
    slot_of_answer "$body"
    previewed=$answering
    print_view "$previewed"
    [ "$previewed" = "$slot" ] || own_answer "$slot" "$port" "$verify"
}
# fetch_unless_limited: asks the verify path through nginx, again for some seconds while nginx itself limits how often this
# machine may ask (limit_req).
fetch_unless_limited() {
    clock
    limited_until=$((now_ms + verify_ms / 2))
    while :; do
        fetch_through_nginx "$verify" "$look_answer_s"
        case $code in 429 | 503) ;; *) return 0 ;; esac
        clock
        [ "$now_ms" -lt "$limited_until" ] || return 0
        sleep 0.5
    done
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
