# Ends a step of the journal: appends $entry to history.jsonl, and removes the releases named in $prune.
# A release that a slot points to stays, whatever was asked. Exit 28: no room for the line.
under_lock
mkdir -p "$base"
# One write, to the end: a line is there whole or not at all. A last line cut by a full disk is closed first.
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
    say "pruned $old"
done
# What was removed may have made the room.
[ -n "$written" ] || write_entry || fail 28 "cannot write $base/history.jsonl (disk full?)"
