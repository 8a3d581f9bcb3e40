import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The stand-in: a small application that a deploy cannot tell from a Spring Boot one. It needs only the JDK.
 *
 * <p>This class is its life: start, listen, stop. The way in which it fails, if it does, is chosen when its jar is
 * built (Behaviour.java).
 */
final class StandIn {
    private static final Set<Server> SERVERS = ConcurrentHashMap.newKeySet();

    /** Whether the graceful shutdown has begun: every further answer closes its connection. */
    static volatile boolean stopping;

    public static void main(String[] arguments) throws Exception {
        long began = System.nanoTime();
        Settings.read(arguments);
        Log.info("Starting StandIn v" + Behaviour.VERSION + " using Java " + System.getProperty("java.version")
                + " with PID " + ProcessHandle.current().pid());
        Log.info("The following 1 profile is active: \"" + Settings.profile() + "\"");
        Runtime.getRuntime().addShutdownHook(new Thread(StandIn::stop, "SpringApplicationShutdownHook"));
        startUp();
        listen();
        Log.info("Started StandIn in " + (System.nanoTime() - began) / 1_000_000 / 1000.0 + " seconds");
        logLines();
        dieLater();
    }

    private static void startUp() throws Exception {
        Thread.sleep(Behaviour.millis("start_s"));
        if (Behaviour.is("die_starting")) {
            Thread.sleep(300);
            throw new IllegalStateException("Error creating bean with name 'dataSource'",
                    new ConnectException("Connection to db.example:5432 refused"));
        }
    }

    private static void listen() throws IOException {
        int port = Settings.port();
        int managementPort = Settings.managementPort();
        try {
            Behaviour.listensNow();
            if (managementPort != port) {
                open(managementPort, false, true);
            }
            open(port, true, managementPort == port);
        } catch (BindException exception) {
            String stars = "\n***************************\n";
            Log.error("\n" + stars + "APPLICATION FAILED TO START" + stars + "\nDescription:\n\n"
                    + "Web server failed to start. Port " + port + " was already in use.\n");
            Runtime.getRuntime().halt(1);
        }
    }

    private static void open(int port, boolean application, boolean health) throws IOException {
        Server server = new Server(new ServerSocket(port, 1024), application, health);
        SERVERS.add(server);
        new Thread(server::accept, "http-nio-" + port + "-Acceptor").start();
        Log.info("StandIn started on port " + port + " (http) with context path '/'");
    }

    private static void logLines() {
        int lines = Behaviour.number("log_lines");
        for (int line = 1; line <= lines; line++) {
            Log.info("Line " + line + " of " + lines);
        }
    }

    private static void dieLater() throws InterruptedException {
        if (!Behaviour.has("die_after_s")) {
            return;
        }
        Thread.sleep(Behaviour.millis("die_after_s"));
        new OutOfMemoryError("Java heap space").printStackTrace();
        Runtime.getRuntime().halt(1);
    }

    /** The shutdown hook, which SIGTERM runs. The JVM serves until it returns, and then exits with 143. */
    private static void stop() {
        if (Behaviour.is("ignores_term")) {
            Log.warn("SIGTERM ignored");
            Pause.forEver();
        }
        if (SERVERS.isEmpty()) {
            return;
        }
        Log.info("Commencing graceful shutdown. Waiting for active requests to complete");
        stopping = true;
        SERVERS.forEach(Server::stopAccepting);
        long deadline = System.nanoTime() + Settings.graceMillis() * 1_000_000;
        while (SERVERS.stream().anyMatch(Server::isBusy)) {
            if (System.nanoTime() > deadline) {
                Log.warn("Graceful shutdown aborted with one or more requests still active");
                return;
            }
            Pause.millis(5);
        }
        Log.info("Graceful shutdown complete");
    }
}
