# One step at a time, and only for the holder of the lock.
# Takes: base token step_lock_s
# Uses: lib

# one_step: waits for an earlier step, which runs to its end even if its connection died (see lock.sh).
one_step() {
    exec 8>>"$base/lock.step"
    flock_within 8 $((step_lock_s * 1000)) || fail 75 "an earlier step still runs on this host and did not end within $step_lock_s s"
}
# under_lock: one_step, and fails if somebody else holds the lock.
under_lock() {
    one_step
    still_ours
}
still_ours() {
    holder=
    read -r holder _ <"$base/lock" || :
    [ "$holder" = "$token" ] || fail 75 "lost the deploy lock of this host: the connection was away too long"
}
