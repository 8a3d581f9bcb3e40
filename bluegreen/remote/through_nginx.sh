# Requests through nginx, and which slot answers them.
# Takes: app slots verify listen server_name look_answer_s
# Uses: lib

# answering_slot: sets `answering` to the slot that answers through nginx, empty if no answer names one, and
# `verify_code`, `verify_body` to the answer of the verify path.
# Where switch.verify is a wrong path, the path of our own site still names the slot.
answering_slot() {
    fetch_through_nginx "$verify" "$look_answer_s"
    verify_code=$code
    verify_body=$body
    slot_of_answer "$body"
    [ -z "$answering" ] || return 0
    fetch_through_nginx /.bluegreen/slot "$look_answer_s"
    slot_of_answer "$body"
}
# fetch_through_nginx PATH SECONDS: `fetch` as a client of the site would: over https where the site requires it.
front=
front_header=
fetch_through_nginx() {
    if [ -z "$front" ]; then
        fetch "http://127.0.0.1:$listen$1" "$server_name" "$2"
        find_front "$1" "$2"
        [ -n "$front" ] || return 0
    fi
    case $front in https:*) fetch "$front$1" "" "$2" ;; *) fetch "$front$1" "$server_name" "$2" "$front_header" ;; esac
}
# find_front PATH SECONDS: sets `front` if the last answer shows that the site requires https: site.listen redirects
# each path there, as certbot sets it up, or is the https port. If this machine has no such port, a load balancer has.
find_front() {
    case $code-$redirect in
    30?-"https://"*"$1")
        front=${redirect%"$1"}
        front_port=${front#https://}
        case $front_port in *:*) front_port=${front_port##*:} ;; *) front_port=443 ;; esac
        case $front_port in *[!0-9]*) front_port=0 ;; esac
        if [ -z "$(port_inodes "$front_port")" ]; then
            front=http://127.0.0.1:$listen
            front_header='X-Forwarded-Proto: https'
        fi
        ;;
    404-*)
        # certbot's redirect server answers 404 to other names than the site's. The answer that names a slot is the site's.
        [ -n "$(port_inodes 443)" ] || return 0
        http_code=$code http_body=$body http_took_ms=$took_ms
        fetch "https://${server_name:-127.0.0.1}$1" "" "$2"
        slot_of_answer "$body"
        if [ -n "$answering" ]; then
            front=https://${server_name:-127.0.0.1}
        else
            code=$http_code body=$http_body took_ms=$http_took_ms
        fi
        ;;
    400-*) case $body in *"plain HTTP request was sent to HTTPS port"*) front=https://${server_name:-127.0.0.1}:$listen ;; esac ;;
    esac
}
# slot_of_answer BODY: sets `named` to the body without quotes and blanks, and `answering` to the slot if that is the name
# of a slot or of its target, else empty.
slot_of_answer() {
    answering=
    named=$1
    case $named in *[\"[:space:]]*) named=$(printf '%s' "$named" | tr -d '"[:space:]') ;; esac
    for entry in $slots; do
        each=${entry%%:*}
        each_port=${entry#*:}
        case $named in "$each" | "http://$app-$each" | "http://127.0.0.1:${each_port%%:*}") answering=$each ;; esac
    done
}
