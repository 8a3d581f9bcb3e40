# Asks both slots on their own ports for $path.
# Takes: slots path https
# Uses: view
# Prints the facts of `own_answer` for each slot where something listens.

[ -z "$https" ] || proto=https
for entry in $slots; do
    slot=${entry%%:*}
    port=${entry#*:}
    port=${port%%:*}
    [ -z "$(port_inodes "$port")" ] || own_answer "$slot" "$port" "$path"
done
