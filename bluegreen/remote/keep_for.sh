# Makes the host stop the idle slot after $keep_for_s seconds, without a deployer. Input: the text of expire.sh.
# Takes: base slot route keep_for_s
# Uses: step route supervisor_steps
# Prints the fact `expires` with the seconds that hold. Leaves slots/SLOT.expire and a timer, which replace older ones.

expire=$(cat)
under_lock
same_route "$route"
mkdir -p "$base/slots"
printf '%s\n' "$expire" >"$base/slots/.$slot.expire.new"
mv -fT "$base/slots/.$slot.expire.new" "$base/slots/$slot.expire"
slot_expires "$slot" "$keep_for_s"
