# Installs packages, as root. Prints what the manager says when it fails.
# shellcheck disable=SC2086 # names, split on purpose
case $manager in
apt-get)
    export DEBIAN_FRONTEND=noninteractive
    # An old list of packages names versions that are gone. A machine on its first day is still busy with its own
    # upgrades, which hold dpkg's lock.
    listed=$(apt-get -q update 2>&1 </dev/null) || :
    told=$(apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install $packages 2>&1 </dev/null) ||
        fail 1 "$listed$newline$told"
    ;;
dnf) told=$(dnf -q -y install $packages 2>&1 </dev/null) || fail 1 "$told" ;;
*) fail 1 "no apt-get and no dnf here: install by hand: $packages" ;;
esac
systemctl --quiet enable --now nginx 2>/dev/null || fail 1 "nginx does not start: $(nginx -t 2>&1)"
