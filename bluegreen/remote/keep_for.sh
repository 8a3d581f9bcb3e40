# Has the host itself stop the idle slot in $keep_for_s seconds; no deployer waits. Input: expire.sh for that day.
# Leaves slots/SLOT.expire and a timer; one of before is replaced, and does nothing once its JVM is gone.
expire=$(cat)
under_lock
same_route
mkdir -p "$base/slots"
printf '%s\n' "$expire" >"$base/slots/.$slot.expire.new"
mv -fT "$base/slots/.$slot.expire.new" "$base/slots/$slot.expire"
slot_expires "$slot"
