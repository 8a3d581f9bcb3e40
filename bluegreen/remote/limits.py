"""Every time limit that is not a setting of config.yml, with the reason for it.

The values that a user may set (health.timeout, switch.watch, old_slot.drain, …) have their defaults in
config/settings.py. docs/ARCHITECTURE.md shows both as tables. Use them as `limits.NAME`: a test can then
replace one.
"""

from __future__ import annotations

# --- the connection ------------------------------------------------------------------------------------

# For `ssh -G` to read ssh_config: Match exec may run a program, CanonicalizeHostname asks name servers.
SSH_CONFIG_S = 30.0
# Name lookup, and each TCP connect; ConnectTimeout of ssh_config wins. A dead address answers nothing at all.
CONNECT_S = 10.0
# Until sshd sends its banner, and as long again for the key exchange.
BANNER_S = 10.0
# For the answer to each key. A loaded sshd with PAM and DNS lookups takes several seconds.
AUTH_S = 20.0
# For opening a channel. Paramiko's default is an hour.
CHANNEL_S = 20.0
# A connection that answers nothing for this long is closed: longer than a reroute takes.
CONNECTION_SILENCE_S = 20.0
# After this much silence a keepalive request asks for an answer.
KEEPALIVE_AFTER_S = 5.0
# How often the liveness check counts. It counts ticks, so a suspended laptop is not taken for a dead host.
LIVENESS_TICK_S = 0.25
# From login to the start of our shell: a start file may load version managers, on a busy machine.
LOGIN_SHELL_S = 30.0
# After this long without our shell, a second one without an input shows whether the start file reads it.
LOGIN_SHELL_QUIET_S = 2.0
# sshd counts an ended session until it has our close: with a tight MaxSessions the next one is refused.
SESSION_RETRY_S = 2.0
# For closing a connection: its peer may be dead.
CLOSE_S = 2.0
# For closing the channel of one script, for the same reason.
CHANNEL_CLOSE_S = 1.0
# Paramiko closes the channels of an ending transport first, and marks the transport a moment later.
TRANSPORT_END_S = 0.5
# For a ProxyCommand to end after its connection.
PROXY_COMMAND_END_S = 0.5
# The kernel's own detection of a dead peer: keepalive after silence, and data that stays unacknowledged.
# Whole seconds, as the kernel counts them.
TCP_KEEPALIVE_AFTER_S = 15
TCP_KEEPALIVE_EVERY_S = 5
TCP_UNACKNOWLEDGED_S = 30
# How long the host may accept no input from us (upload, script text).
WRITE_STANDSTILL_S = 60.0

# --- scripts on the machine ----------------------------------------------------------------------------

# A script that only reads or renames. A machine that swaps still finishes within a minute.
SCRIPT_S = 60.0
# From the last line of a script to its end.
SCRIPT_END_S = 10.0
# How long the machine may take to verify the checksum after the last byte of an upload.
UPLOAD_END_S = 120.0
# A step waits this long for an earlier step whose connection died (step.sh, lock.sh).
STEP_LOCK_S = 60
# Package installation: a new machine is still busy with its own upgrades.
INSTALL_S = 900.0
# apt-get waits this long for those upgrades, which hold dpkg's lock.
PACKAGE_LOCK_S = 300

# --- the lock ------------------------------------------------------------------------------------------

# The deployer sends a byte this often; three lost in a row mean that it or its network is gone.
LOCK_HEARTBEAT_S = 5.0
LOCK_SILENCE_S = 15.0
# For lock.sh to end after the release.
LOCK_RELEASE_S = 5.0
# For the first answer of lock.sh: STEP_LOCK_S and the round trips.
LOCK_ANSWER_S = 90.0

# --- health, watch and probe ---------------------------------------------------------------------------

# For one health answer. A hung application must not hang the observer.
HEALTH_ANSWER_S = 5.0
# A health answer that waiting does not change (401, 404, a redirect) is given up after this long: an
# application that opens its port before it is ready answers otherwise within it.
NEVER_UP_S = 15.0
# An observer on the machine that prints nothing for this long beyond its time is given up.
OBSERVER_SILENCE_S = 30.0
# For one answer to a look, and to the question which slot serves before one is stopped.
LOOK_ANSWER_S = 3
# From one look of the watch to the next.
WATCH_EVERY_S = 0.5
# For one answer during the watch: this, or the duration of the last UP before the switch times
# WATCH_SLOWER_TIMES. Some health
# endpoints ask databases first.
WATCH_ANSWER_S = 1.0
WATCH_SLOWER_TIMES = 4
# One failed look may be a garbage collection pause.
WATCH_FAILURES_IN_A_ROW = 2
# Room for the second look at a slot whose last look failed just before the end of the watch.
WATCH_EXTRA_S = 10.0
# For one smoke or warm-up request: the first requests of a JVM are slow.
SMOKE_ANSWER_S = 30
# A probe that prints nothing for this long beyond one answer is given up.
PROBE_SILENCE_S = 10.0
# Closing the probe waits this long for what it has printed.
PROBE_CLOSE_S = 1.0
# From one probe request to the next.
PROBE_EVERY_S = 0.1
# The probe ends by itself this long after the watch, if its deployer disappeared: longer than any switch and
# its way back.
PROBE_EXTRA_S = 60.0
# The switch waits this long for the first probe request.
PROBE_BEGINS_S = 2.0
# The report waits this long for one probe answer from after the switch.
PROBE_LAST_ANSWER_S = 0.5

# --- switch and stop -----------------------------------------------------------------------------------

# For nginx to answer from the new slot. A reload is asynchronous and a busy machine is slow.
SWITCH_VERIFY_S = 10
# For one answer while nginx is asked for the new slot.
SWITCH_ANSWER_S = 2
# Without an answer from the new slot for this long, something hides the marker from nginx: a reload follows.
SWITCH_HIDDEN_S = 0.5
# A JVM that was started and never served has no requests to drain: SIGKILL soon after SIGTERM.
ABANDON_STOP_S = 2.0
# Drain of a slot that failed after it took traffic: users may still get their answers.
FAILED_DRAIN_S = 5.0
# What the systemd unit adds to old_slot.stop_timeout: systemd must never be the first to kill.
UNIT_STOP_EXTRA_S = 5
# `logs --follow` waits this long for the next line.
FOLLOW_S = 86_400.0

# --- the sandbox ---------------------------------------------------------------------------------------

# For its sshd to answer after the start.
SANDBOX_START_S = 10.0
# From SIGTERM to SIGKILL for its processes.
SANDBOX_STOP_S = 10.0

# --- this machine --------------------------------------------------------------------------------------

# For git to answer `init` which branch is the default one: it reads local files.
GIT_S = 10.0
