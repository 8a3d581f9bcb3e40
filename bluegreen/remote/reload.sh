# The reload of nginx, awaited to its end.
# Takes: listen verify_ms
# Uses: lib nginx_config

# reload_nginx: returns when no old worker accepts connections any more; `nginx -s reload` returns long before that.
# Fails with nginx's message in `output`.
reload_nginx() {
    old_workers=$(workers)
    output=$(on_nginx -s reload 2>&1) || return 1
    clock
    until_ms=$((now_ms + verify_ms))
    while accepts_connections "$old_workers" && clock && [ "$now_ms" -lt "$until_ms" ]; do sleep 0.01; done
}
# workers: prints the pids of the workers of the nginx that listens.
workers() {
    master=$(port_owner "$listen")
    case $(words_of "$master") in "nginx: worker"*) master=$(awk '$1 == "PPid:" { print $2 }' "/proc/$master/status") ;; esac
    cat "/proc/$master/task/$master/children" 2>/dev/null || :
}
# accepts_connections PIDS: whether one of them does. A worker changes its title when it closes its listening sockets.
accepts_connections() {
    for worker in $1; do
        case $(words_of "$worker") in *"is shutting down"*) ;; "nginx: worker process"*) return 0 ;; esac
    done
    return 1
}
