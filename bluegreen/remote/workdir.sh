# The folder that the JVMs run in, and what the application wrote elsewhere.
# Takes: base workdir
# Uses: lib

# make_workdir ADOPT: makes the folder, as a link to the folder ADOPT if it is given: where the application ran so far.
make_workdir() {
    [ ! -d "$workdir" ] || return 0
    [ ! -L "$workdir" ] || fail 1 "$workdir is a link to $(readlink "$workdir"), which is not there"
    mkdir -p "$(dirname "$workdir")" 2>/dev/null || :
    if [ -n "$1" ]; then
        rm -f "$workdir.new"
        { ln -s "$1" "$workdir.new" && mv -fT "$workdir.new" "$workdir" && [ -d "$workdir" ]; } ||
            fail 1 "cannot make $workdir a link to $1"
        fact adopted "$1"
    else
        mkdir "$workdir" || fail 1 "cannot make the folder $workdir"
    fi
}

# gather LIVE: moves what the application wrote into the folders of releases, when it ran there, to the working directory:
# first from the release of the slot LIVE, which users see, then from the newest. A name that exists there already stays
# where it is. Prints the facts `gathered.RELEASE` and `left.RELEASE` with names. Nothing of it fails.
gather() {
    gather_to=$(readlink -f "$workdir")
    release_folders=
    for release_folder in "$base"/releases/*/; do release_folders="${release_folder%/} $release_folders"; done
    live_folder=$base/releases/$(basename "$(readlink "$base/slots/$1" 2>/dev/null || :)")
    gathered_live=
    for release_folder in "$live_folder" $release_folders; do
        if [ "$release_folder" = "$live_folder" ]; then
            if [ -n "$gathered_live" ]; then continue; fi
            gathered_live=yes
        fi
        [ -f "$release_folder/release.json" ] || continue
        strays "$release_folder"
        [ -n "$strays" ] || continue
        [ "$(readlink -f "$release_folder")" = "$gather_to" ] || gather_from "$release_folder"
    done
}
# gather_from FOLDER: as gather, of one release.
gather_from() {
    # A JVM that still runs there finds its files through links. On another file system they would be copied meanwhile.
    link_back=
    for pair in "$base"/slots/*; do
        [ "$(readlink -f "$pair")" != "$(readlink -f "$1")" ] || link_back=yes
    done
    gathered=
    if [ -z "$link_back" ] || same_file_system "$1" "$gather_to"; then
        for stray in "$1"/* "$1"/.[!.]*; do
            is_stray "$stray" || continue
            gather_into "$stray" "$gather_to/${stray##*/}" 2>/dev/null || :
            is_stray "$stray" || gathered=$gathered${gathered:+ }${stray##*/}
        done
        [ -z "$gathered" ] || fact "gathered.${1##*/}" "$gathered"
    fi
    strays "$1"
    [ -z "$strays" ] || fact "left.${1##*/}" "$strays"
}
# gather_into FROM TO: moves a file, a folder or a link; of a folder that exists at both places what exists at one.
gather_into() {
    if [ -L "$1" ]; then
        if [ ! -e "$2" ] && [ ! -L "$2" ]; then ln -s "$(readlink -f "$1")" "$2" && leave_link "$1" "$2"; fi
    elif [ ! -e "$2" ] && [ ! -L "$2" ]; then
        if [ -n "$link_back" ]; then
            rm -f "$1.bluegreen-link"
            ln -s "$2" "$1.bluegreen-link" && mv -T "$1" "$2" && mv -fT "$1.bluegreen-link" "$1"
        else
            mv -T "$1" "$2"
        fi
    elif [ -d "$1" ] && [ -d "$2" ]; then
        for inner in "$1"/* "$1"/.[!.]*; do
            if [ -e "$inner" ] || [ -L "$inner" ]; then gather_into "$inner" "$2/${inner##*/}" || :; fi
        done
        rmdir "$1"
    fi
}
# leave_link FROM TO: replaces a link by one to TO where a JVM still runs, or removes it.
leave_link() {
    if [ -z "$link_back" ]; then rm -f "$1"; else
        ln -s "$2" "$1.bluegreen-link" && mv -fT "$1.bluegreen-link" "$1"
    fi
}
same_file_system() { [ "$(stat -c %d "$1")" = "$(stat -c %d "$2")" ]; }

# strays FOLDER: sets `strays` to the names in a release's folder that bluegreen did not put there; at most 20.
strays() {
    strays=
    stray_count=0
    for stray in "$1"/* "$1"/.[!.]*; do
        is_stray "$stray" || continue
        stray_count=$((stray_count + 1))
        [ "$stray_count" -le 20 ] || { strays="$strays …" && return; }
        strays=$strays${strays:+ }${stray##*/}
    done
}
is_stray() {
    case ${1##*/} in app.jar | release.json | *.bluegreen-link) return 1 ;; esac
    if [ -L "$1" ]; then ! is_own_link "$1"; else [ -e "$1" ]; fi
}
# is_own_link LINK: whether it is a link that gather left: to the same name in the working directory.
is_own_link() { [ "$(readlink "$1")" = "$(readlink -f "$workdir")/${1##*/}" ]; }
