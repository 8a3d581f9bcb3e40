# The slot that a step of root.sh is for.
# Takes: slots
# Uses: lib

# choose_slot SLOT: sets `slot`, its `port`, its number `found`, and `other`, the other slot; fails if there is no such slot.
choose_slot() {
    slot=$1
    number=0
    found=
    port=
    other=
    for entry in $slots; do
        number=$((number + 1))
        if [ "${entry%%:*}" != "$slot" ]; then other=${entry%%:*}; else
            found=$number
            port=${entry#*:}
            port=${port%%:*}
        fi
    done
    [ -n "$found" ]
}
