# Installs packages, as root. On a failure it prints the package manager's output on stderr.
# Takes: manager packages package_lock_s
# Uses: lib

# shellcheck disable=SC2086 # names, split on purpose
case $manager in
apt-get)
    export DEBIAN_FRONTEND=noninteractive
    # An old list of packages names versions that no longer exist. A new machine is still busy with its own upgrades,
    # which hold dpkg's lock.
    listed=$(apt-get -q update 2>&1 </dev/null) || :
    output=$(apt-get -q -y -o "DPkg::Lock::Timeout=$package_lock_s" --no-install-recommends install $packages 2>&1 </dev/null) ||
        fail 1 "$listed$newline$output"
    ;;
dnf) output=$(dnf -q -y install $packages 2>&1 </dev/null) || fail 1 "$output" ;;
*) fail 1 "this machine has neither apt-get nor dnf; install by hand: $packages" ;;
esac
systemctl --quiet enable --now nginx 2>/dev/null || fail 1 "nginx does not start: $(nginx -t 2>&1)"
