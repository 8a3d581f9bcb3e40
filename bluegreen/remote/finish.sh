# Appends $entry to history.jsonl, and removes the releases in $prune, except those in slots.
# Takes: base slots entry prune
# Uses: step
# Prints the fact `pruned.ID` for each release that it removed. Exit 28: no room for the line.

under_lock
mkdir -p "$base"
# One write makes a line that is there whole or not at all. It first completes a last line that a full disk cut short.
write_entry() {
    if [ -s "$base/history.jsonl" ] && [ -n "$(tail -c 1 "$base/history.jsonl")" ]; then say >>"$base/history.jsonl"; fi
    printf '%s\n' "$entry" 2>/dev/null >>"$base/history.jsonl"
}
written=yes
[ -z "$entry" ] || write_entry || written=
for old in $prune; do
    for pair in $slots; do
        [ "$(basename "$(readlink "$base/slots/${pair%%:*}" 2>/dev/null || :)")" != "$old" ] || continue 2
    done
    rm -rf "$base/releases/$old"
    fact "pruned.$old" yes
done
# The removal may have made the room.
[ -n "$written" ] || write_entry || fail 28 "cannot write $base/history.jsonl (disk full?)"
