# Which processes and units belong to the app.
# Takes: app base slots
# Uses: lib

# is_ours PID SLOT: whether it is a JVM of this app and slot that the owner of $base runs from a release of $base; or one
# that the old scripts started by hand: a jar, run by this user, with the slot's profile, and not by a unit of systemd,
# which would start it again.
is_ours() {
    words=" $(words_of "$1")"
    case $words in
    *" -Dbluegreen.app=$app -Dbluegreen.slot=$2 "*)
        [ "$(stat -c %u "/proc/$1" 2>/dev/null)" = "$(stat -L -c %u "$base" 2>/dev/null)" ] || return 1
        case $words in
        *" -jar $base/releases/"*/app.jar*) return 0 ;;
        # bluegreen 0.1 ran it in the folder of the release.
        *" -jar app.jar "*)
            case "$(readlink "/proc/$1/cwd" 2>/dev/null)/" in "$(cd "$base" && pwd -P)/releases/"*) return 0 ;; esac
            ;;
        esac
        ;;
    *" -Dbluegreen.app="*) ;;
    *" -jar "*)
        [ "$(stat -c %u "/proc/$1" 2>/dev/null)" = "$(id -u)" ] || return 1
        for word in $words; do
            case $word in -Dspring.profiles.active=* | --spring.profiles.active=*) ;; *) continue ;; esac
            case ",${word#*=}," in *",$2,"*) [ -z "$(unit_of_process "$1")" ] && return ;; esac
        done
        ;;
    esac
    return 1
}

# unit_of_process PID: prints the service that runs the process, from its control group; `--user NAME` for one of a user's
# own systemd. Nothing for our own units, and for what a login, cron or an agent left behind in its group: there the main
# process is neither this one nor a parent of it.
unit_of_process() {
    while IFS=: read -r _ controllers group; do
        case $controllers in '' | name=systemd) ;; *) continue ;; esac
        unit_user=
        case $group in */user@*.service/*) unit_user=--user ;; esac
        while :; do
            case $group in *.service | '') break ;; */*) group=${group%/*} ;; *) group= ;; esac
        done
        group=${group##*/}
        # A user names the groups below their own: only what is a name of a unit is one.
        case $group in
        '' | -* | *[!A-Za-z0-9:_.@-]* | user@*.service | "$app@"*.service) ;;
        *)
            if [ -n "$unit_user" ]; then say "--user $group" && return; fi
            unit_main=$(property_of "$group" MainPID)
            if [ "${unit_main:-0}" = 0 ] || is_near "$1" "$unit_main"; then say "$group" && return; fi
            ;;
        esac
    done 2>/dev/null <"/proc/$1/cgroup" || :
}
# is_near PID ANCESTOR: whether it is that process, its child or its grandchild.
is_near() {
    near=$1
    for generation in 0 1 2; do
        [ "$near" != "$2" ] || return 0
        IFS= read -r stat_line 2>/dev/null <"/proc/$near/stat" || return 1
        # shellcheck disable=SC2086
        near=$(set -- ${stat_line##*) }; echo "$2")
    done
    return 1
}

# unit_of_others: prints the path of a unit template with the app's name that is not ours, such as user@.service.
unit_of_others() {
    unit_path=$(property_of "$app@${slots%%:*}.service" FragmentPath)
    [ "$unit_path" = "/etc/systemd/system/$app@.service" ] || say "$unit_path"
}
