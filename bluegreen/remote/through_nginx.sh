# Requests through nginx, and which slot answers them.
# Takes: app slots verify listen server_name look_answer_s
# Uses: slot_request

# answering_slot: sets `answering` to the slot that answers through nginx, empty if no answer names one, and
# `verify_named`, `verify_code`, `verify_body`, `verify_redirect` to the answer of the verify path.
# Where switch.verify is a wrong path, the path of our own site still names the slot.
answering_slot() {
    fetch_through_nginx "$verify" "$look_answer_s"
    verify_code=$code
    verify_body=$body
    verify_redirect=$redirect
    slot_of_answer "$body"
    verify_named=$answering
    [ -z "$answering" ] || return 0
    fetch_through_nginx /.bluegreen/slot "$look_answer_s"
    slot_of_answer "$body"
}
# fetch_through_nginx PATH SECONDS: `fetch` as a client of the site would: it follows the redirects of the site to https
# and to another name, as far as this machine serves them.
front=
front_header=
fetch_through_nginx() {
    if [ -z "$front" ]; then
        fetch "http://127.0.0.1:$listen$1" "$server_name" "$2"
        find_front "$1" "$2"
        case $front$front_header in https:* | *https) proto=https ;; esac
    else
        fetch_front "$1" "$2"
    fi
}
fetch_front() {
    if [ -n "$front_header" ]; then fetch "$front$1" "$server_name" "$2" "$front_header"; else fetch "$front$1" "" "$2"; fi
}
# find_front PATH SECONDS: sets `front` if the last answer shows that the site is elsewhere: site.listen redirects each
# path there, as certbot sets it up, or is the https port. If this machine has no such port, a load balancer has.
find_front() {
    hops=0
    while [ "$hops" -lt 3 ] && redirects_path "$1"; do
        hops=$((hops + 1))
        front=${redirect%"$1"}
        front_port=$(port_of_url "$front")
        # site.listen answered http just now, so it does not speak https.
        if [ "${front%%:*}-$front_port" = "https-$listen" ] || [ -z "$(port_inodes "$front_port")" ]; then
            front=http://127.0.0.1:$listen
            front_header='X-Forwarded-Proto: https'
            hops=3
        fi
        fetch_front "$1" "$2"
    done
    [ "$hops" = 0 ] || return 0
    case $code in
    404)
        # certbot's redirect server answers 404 to other names than the site's. The answer that names a slot is the site's.
        [ -n "$(port_inodes 443)" ] || return 0
        http_code=$code http_body=$body http_took_ms=$took_ms
        fetch "https://${server_name:-127.0.0.1}$1" "" "$2"
        slot_of_answer "$body"
        if [ -n "$answering" ]; then
            front=https://${server_name:-127.0.0.1}
        else
            code=$http_code body=$http_body took_ms=$http_took_ms redirect=
        fi
        ;;
    400)
        case $body in *"plain HTTP request was sent to HTTPS port"*)
            front=https://${server_name:-127.0.0.1}:$listen
            fetch_front "$1" "$2"
            ;;
        esac
        ;;
    esac
}
# web_server: prints what may answer on site.listen in place of an nginx of this machine: the name of another web server,
# or `container`. Nothing if an nginx of this machine runs, unless Docker forwards that port.
web_server() {
    web_server=
    web_nginx=
    for web_process in /proc/[0-9]*; do
        read -r web_name 2>/dev/null <"$web_process/comm" || continue
        case $web_name in
        docker-proxy)
            case "$(words_of "${web_process#/proc/}")" in *" -host-port $listen "*) say container && return ;; esac
            ;;
        nginx) if in_container "$web_process"; then web_server=container; else web_nginx=yes; fi ;;
        apache2 | httpd | caddy | haproxy | traefik | envoy | lighttpd) web_server=${web_server:-$web_name} ;;
        esac
    done
    [ -n "$web_nginx" ] || [ -z "$web_server" ] || say "$web_server"
}
# in_container PROCESS: whether the control group of a folder of /proc is that of a container, which this machine is not.
in_container() {
    for container_process in /proc/1 "$1"; do
        container_named=
        while read -r container_group; do
            case $container_group in *docker* | *libpod* | *containerd* | *kubepods*) container_named=yes ;; esac
        done 2>/dev/null <"$container_process/cgroup" || :
        case $container_process-$container_named in
        /proc/1-yes) return 1 ;;
        "$1-yes") return 0 ;;
        esac
    done
    return 1
}
# redirects_path PATH: whether the last answer sends the same path to another scheme or name.
redirects_path() {
    case $code-$redirect in
    30?-"http://"*"$1" | 30?-"https://"*"$1")
        elsewhere=${redirect%"$1"}
        case ${elsewhere#*://} in '' | */* | *[!A-Za-z0-9.:_-]*) return 1 ;; esac
        [ "$elsewhere" != "$front" ]
        ;;
    *) return 1 ;;
    esac
}
# port_of_url URL: prints the port of a URL without a path.
port_of_url() {
    case $1 in
    *://*:*[!0-9]*) say 0 ;;
    *://*:*) say "${1##*:}" ;;
    https:*) say 443 ;;
    *) say 80 ;;
    esac
}
# slot_of_answer BODY: sets `answering` to the slot that a body names, else empty: the slot, its port or its target, or
# JSON with one of these as a value.
slot_of_answer() {
    answering=
    case $1 in
    *'{'* | *'['*) bare=$(printf '%s' "$1" | head -c 4096 | value_of_slot) ;;
    *[\"[:space:]]*) bare=$(printf '%s' "$1" | head -c 4096 | tr -d '"[:space:]') ;;
    *) bare=$1 ;;
    esac
    bare=${bare#http://}
    bare=${bare%/}
    for entry in $slots; do
        each=${entry%%:*}
        each_port=${entry#*:}
        each_port=${each_port%%:*}
        case $bare in
        "$each" | "$each_port" | "$app-$each" | "127.0.0.1:$each_port" | "localhost:$each_port" | "[::1]:$each_port")
            answering=$each
            ;;
        esac
    done
}
# value_of_slot: prints the one value in JSON that is the name or the port of a slot, nothing if there are none or several.
value_of_slot() {
    awk -v slots="$slots" '
        BEGIN {
            count = split(slots, entry, " ")
            for (n = 1; n <= count; n++) { split(entry[n], field, ":"); slot[field[1]] = slot[field[2]] = field[1] }
        }
        { text = text $0 "\n" }
        END {
            # Only JSON, or a list as Java prints it, not a page that contains a brace somewhere.
            if (text !~ /^[ \t\r\n]*[{[]/) exit
            while (match(text, /"([^"\\]|\\.)*"|[^]["{},: \t\r\n]+/)) {
                word = substr(text, RSTART, RLENGTH)
                text = substr(text, RSTART + RLENGTH)
                if (text ~ /^[ \t\r\n]*:/) continue
                gsub(/"/, "", word)
                if (!(word in slot)) continue
                if (found != "" && found != slot[word]) exit
                found = slot[word]
            }
            if (found != "") print found
        }'
}
