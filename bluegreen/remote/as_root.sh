# The steps that need root, as root.sh does them.
# Takes: nonce root_installed root_sent root_sudo
# Uses: lib

# as_root VERB SLOT: runs root.sh as `setup` installed it, or else the text that was sent; prints its facts as facts of
# this run, because what is installed cannot know the nonce. Returns its exit code.
as_root() {
    if [ -x "$root_installed" ]; then
        set -- "$root_installed" "$@"
    else
        eval "set -- $root_sent \"\$@\""
    fi
    if [ -n "$root_sudo" ] && [ "$(id -u)" != 0 ]; then set -- sudo -n "$@"; fi
    root_code=0
    root_output=$("$@" </dev/null) || root_code=$?
    printf '%s\n' "$root_output" | while IFS= read -r root_line; do
        case $root_line in
        "bluegreen: "*) say "bluegreen:$nonce ${root_line#bluegreen: }" ;;
        # A root.sh that bluegreen 0.1 installed prints its facts without the prefix.
        "reloaded "* | "verified "* | "unverified "* | "switched "* | "expires "*) fact "${root_line%% *}" "${root_line#* }" ;;
        esac
    done
    return "$root_code"
}
