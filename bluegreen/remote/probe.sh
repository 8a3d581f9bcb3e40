# Requests $path through nginx every $every_ms, for $for_ms at most; ends when its reader disconnects.
# Takes: path every_ms for_ms answer_s
# Uses: through_nginx
# Prints the fact `began` with MS at once, then `asked` with `MS CODE TOOK_MS SLOT` for each request: MS is the host's
# clock at the request, SLOT the slot that the answer names, if it names one.

trap - PIPE
began=$(now_ms)
fact began "$began"
asked=$began
while [ "$asked" -lt $((began + for_ms)) ]; do
    fetch_through_nginx "$path" "$answer_s"
    slot_of_answer "$body"
    fact asked "$asked $code $took_ms $answering"
    spent=$(($(now_ms) - asked))
    # A request that took longer than the pause is followed by the next at once.
    [ "$spent" -ge "$every_ms" ] || sleep "0.$(printf '%03d' $((every_ms - spent)))"
    asked=$(now_ms)
done
