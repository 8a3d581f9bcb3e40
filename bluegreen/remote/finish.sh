# Appends $entry to history.jsonl, and removes the releases in $prune, except those in slots. $serving is the live slot.
# Takes: base slots entry prune serving workdir
# Uses: step workdir
# Prints the facts `pruned.ID` for each release that it removed, with what the application left there, which stays.
# Exit 28: no room for the line.

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
    release_folder=$base/releases/$old
    # In this order: what is interrupted is still a release, which the next run removes.
    rm -f "$release_folder/app.jar" "$release_folder/release.json"
    for link in "$release_folder"/* "$release_folder"/.[!.]*; do
        if [ -L "$link" ] && is_own_link "$link"; then rm -f "$link"; fi
    done
    strays=
    # A person may have made it the working directory.
    [ "$(readlink -f "$release_folder")" = "$(readlink -f "$workdir")" ] || rmdir "$release_folder" 2>/dev/null || strays "$release_folder"
    fact "pruned.$old" "$strays"
done
# Should the memory not suffice, the kernel ends the JVM that serves last.
for pair in $slots; do
    [ -n "$serving" ] || break
    port=${pair#*:}
    jvm=$(port_owner "${port%%:*}")
    case $jvm in '' | '?') ;; *) if [ "${pair%%:*}" = "$serving" ]; then spare "$jvm"; else prefer_as_victim "$jvm"; fi ;; esac
done
# The removal may have made the room.
[ -n "$written" ] || write_entry || fail 28 "cannot write $base/history.jsonl (disk full?)"
