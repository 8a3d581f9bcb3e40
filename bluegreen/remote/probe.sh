# Requests $path through nginx every $every_ms, for $for_ms at most, on a kept-alive connection; ends with its reader.
# Takes: path every_ms for_ms answer_s listen server_name
# Uses: through_nginx
# Prints the fact `began` with MS at once, then `asked` with `MS CODE TOOK_MS SLOT` for each request: MS is the host's
# clock at the request, CODE 000 without an answer, SLOT the slot that the answer names, if it names one.

trap exit PIPE
clock
asked=$now_ms
ends=$((asked + for_ms))
fact began "$asked"
# The first request finds out where the site is.
fetch_through_nginx "$path" "$answer_s"
slot_of_answer "$body"
fact asked "$asked $code $took_ms $answering"

# In memory: neither a full disk nor its speed may disturb the probe.
folder=$(mktemp -d "/dev/shm/bluegreen-probe-$listen.XXXXXX" 2>/dev/null) || folder=$(mktemp -d)
client=
round=
trap 'kill $client $round 2>/dev/null || :; rm -rf "$folder"' EXIT
mkfifo "$folder/go" "$folder/done" "$folder/records"

# requests: prints the list of requests for one curl. Before each it waits until `go` is opened, then it sends it, and
# copies `done` to its output.
requests() {
    say "$curl_options"
    [ -z "$server_name" ] || [ "${front:+named}$front_header" = named ] || say "header = \"Host: $server_name\""
    [ -z "$front_header" ] || say "header = \"$front_header\""
    awk -v folder="$folder" -v url="${front:-http://127.0.0.1:$listen}$path" -v count=$((for_ms / every_ms)) 'BEGIN {
        while (count-- > 0) {
            print "url = \"file://" folder "/go\"\noutput = \"/dev/null\""
            print "url = \"" url "\"\noutput = \"" folder "/body\""
            print "url = \"file://" folder "/done\"\noutput = \"-\""
        }
    }'
}
# The size of a body is limited, since it is kept in memory. no-buffer: what is copied to the output, and all before it,
# is printed at once. http1.1: with HTTP/2 a client may send again what nginx has rejected, and loses nothing.
requests | {
    trap '' XFSZ
    ulimit -f 32768
    exec curl -q -K - --no-buffer --http1.1 -m "$answer_s" -w '%{http_code} %{time_total} %{size_request} %{url_effective}\n' \
        >"$folder/records" 2>/dev/null
} &
client=$!
exec 3<"$folder/records"

# next_request: lets curl send the next request, and sets `code`, `took_ms` and `body`; fails once curl has ended.
# curl sends a request again, on a new connection, if nginx closes the kept one instead of answering it. Then it has sent
# more than for the first one. Not every client does that, so such a request is lost.
first_size=
next_request() {
    { : >"$folder/go" && say end >"$folder/done"; } &
    round=$!
    body=
    while IFS= read -r record <&3 && [ "$record" != end ]; do
        case $record in *' file:'*) continue ;; esac
        code=${record%% *}
        record=${record#* }
        took "${record%% *}"
        record=${record#* }
        size=${record%% *}
    done
    [ "$record" = end ] || return 1
    [ "$code" != 000 ] || return 0
    first_size=${first_size:-$size}
    if [ "$size" -gt "$first_size" ]; then
        code=000
    else
        body=$(first_bytes 262144 <"$folder/body")
    fi
}
while [ "$asked" -lt "$ends" ]; do
    clock
    spent=$((now_ms - asked))
    # A request that took longer than the pause is followed by the next at once.
    [ "$spent" -ge "$every_ms" ] || sleep "0.$(printf '%03d' $((every_ms - spent)))"
    clock
    asked=$now_ms
    next_request || exit 0
    slot_of_answer "$body"
    fact asked "$asked $code $took_ms $answering"
done
