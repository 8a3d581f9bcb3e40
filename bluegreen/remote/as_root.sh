# The steps that need root, as root.sh does them.
# Takes: nonce root_installed root_sent root_sha256 root_sudo
# Uses: lib

# as_root VERB SLOT: runs root.sh as `setup` installed it, or else the text that was sent; prints its facts as facts of
# this run, because what is installed cannot know the nonce. Its input is $root_input. Returns its exit code.
# An installed root.sh of another version or other settings is used only by those who may run nothing else as root.
root_input=
as_root() {
    if [ -x "$root_installed" ] && { root_is_current || ! may_sudo_all; }; then
        set -- "$root_installed" "$@"
    else
        eval "set -- $root_sent \"\$@\""
    fi
    if [ -n "$root_sudo" ] && [ "$(id -u)" != 0 ]; then set -- sudo -n "$@"; fi
    root_code=0
    # A step that does not read its input may end before it is written.
    root_output=$({ printf '%s\n' "$root_input"; } 2>/dev/null | "$@") || root_code=$?
    printf '%s\n' "$root_output" | while IFS= read -r root_line; do
        case $root_line in
        "bluegreen: "*) say "bluegreen:$nonce ${root_line#bluegreen: }" ;;
        # A root.sh that bluegreen 0.1 installed prints its facts without the prefix.
        "reloaded "* | "verified "* | "unverified "* | "switched "* | "expires "*) fact "${root_line%% *}" "${root_line#* }" ;;
        esac
    done
    return "$root_code"
}
root_is_current() { [ "$(sha256sum 2>/dev/null <"$root_installed" | cut -d' ' -f1)" = "$root_sha256" ]; }
may_sudo_all() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
