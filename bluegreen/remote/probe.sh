# Asks $path through nginx again and again, every $every_ms for $for_ms at most, and tells each answer.
# Prints `began MS` at once, then `asked MS CODE TOOK_MS SLOT` for each: MS is the host's clock when it was asked,
# SLOT the one that its answer names, if any. Ends when nobody listens any more.
trap - PIPE
began=$(now_ms)
printf 'began %s\n' "$began"
asked=$began
while [ "$asked" -lt $((began + for_ms)) ]; do
    fetch_through_nginx "$path" "$answer_s"
    answering=
    slot_of_answer "$body"
    printf 'asked %s %s %s %s\n' "$asked" "$code" "$took_ms" "$answering"
    spent=$(($(now_ms) - asked))
    # One that took longer than the pause is followed at once.
    [ "$spent" -ge "$every_ms" ] || sleep "0.$(printf '%03d' $((every_ms - spent)))"
    asked=$(now_ms)
done
