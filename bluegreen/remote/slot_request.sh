# Requests to a slot on its own port, as nginx sends them: with the name of the site, and the scheme of its clients.
# Takes: server_name
# Uses: lib

# proto: the scheme of the site's clients, as far as it is known.
proto=http
# fetch_slot PORT PATH SECONDS: `fetch` from a port of a slot. An application that insists on https redirects a request
# that came by http; it is asked as for a client of https from then on.
fetch_slot() {
    fetch "http://127.0.0.1:$1$2" "$server_name" "$3" "X-Forwarded-Proto: $proto"
    case $proto-$code-$redirect in
    http-30?-"https://"*"$2")
        proto=https
        fetch_slot "$@"
        ;;
    esac
}
