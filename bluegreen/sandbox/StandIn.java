import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.BindException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A small application that behaves towards a deploy as a Spring Boot one does, and needs only the JDK.
 *
 * <p>What it does wrong, if anything, was told when its jar was built, by the standin.properties of standin.py.
 * It has an HTTP server of its own because com.sun.net.httpserver ends idle connections past 200, leaves Nagle's
 * delay on, and on stop neither says "Connection: close" nor ends before its whole grace has passed.
 */
final class StandIn {
    private static final String TEXT = "text/plain;charset=UTF-8";
    private static final String JSON = "application/json";
    private static final String ACTUATOR_JSON = "application/vnd.spring-boot.actuator.v3+json";
    private static final String PART_UP =
            "{\"status\":\"DOWN\",\"components\":{\"db\":{\"status\":\"DOWN\",\"details\":{\"error\":"
                    + "\"java.net.ConnectException: Connection refused\"}},\"ping\":{\"status\":\"UP\"}}}";
    private static final Map<Integer, String> REASONS = Map.of(
            100, "Continue", 200, "OK", 400, "Bad Request", 404, "Not Found", 405, "Method Not Allowed",
            413, "Content Too Large", 500, "Internal Server Error", 503, "Service Unavailable");

    private static final Map<String, String> ARGUMENTS = new HashMap<>();
    private static final Properties BEHAVIOUR = new Properties();
    private static final Set<Server> SERVERS = ConcurrentHashMap.newKeySet();
    private static final ExecutorService THREADS = Executors.newCachedThreadPool();

    private static String version;
    private static String profile;
    private static volatile boolean stopping;
    private static volatile long listeningSince;

    public static void main(String[] arguments) throws Exception {
        long began = System.nanoTime();
        readSettings(arguments);
        log("INFO", "Starting StandIn v" + version + " using Java " + System.getProperty("java.version")
                + " with PID " + ProcessHandle.current().pid());
        log("INFO", "The following 1 profile is active: \"" + profile + "\"");
        Runtime.getRuntime().addShutdownHook(new Thread(StandIn::stop, "SpringApplicationShutdownHook"));
        startUp();
        listen();
        log("INFO", "Started StandIn in " + (System.nanoTime() - began) / 1_000_000 / 1000.0 + " seconds");
        logMore();
        dieLater();
    }

    // ---- what it was told

    private static void readSettings(String[] arguments) throws IOException {
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (argument.startsWith("--") && equals > 0) {
                ARGUMENTS.put(argument.substring(2, equals), argument.substring(equals + 1));
            }
        }
        try (InputStream file = StandIn.class.getResourceAsStream("standin.properties")) {
            BEHAVIOUR.load(file);
        }
        version = BEHAVIOUR.getProperty("version");
        List<String> active = List.of(setting("spring.profiles.active", "default").split(","));
        profile = active.contains("prod1") ? "prod1" : active.contains("prod2") ? "prod2" : active.get(0);
    }

    /** A setting, looked for where Spring looks and in its order: argument, system property, environment. */
    private static String setting(String name, String otherwise) {
        String inEnvironment = System.getenv(name.toUpperCase(Locale.ROOT).replace('.', '_').replace("-", ""));
        String inSystem = System.getProperty(name, inEnvironment == null ? otherwise : inEnvironment);
        return ARGUMENTS.getOrDefault(name, inSystem);
    }

    private static int port() {
        String ofProfile = Map.of("prod1", "8081", "prod2", "8082").getOrDefault(profile, "8080");
        return Integer.parseInt(setting("server.port", ofProfile));
    }

    private static long graceMillis() {
        String grace = setting("spring.lifecycle.timeout-per-shutdown-phase", "30s");
        long number = Long.parseLong(grace.replaceAll("\\D", ""));
        return grace.endsWith("ms") ? number : number * 1000;
    }

    private static boolean is(String behaviour) {
        return "true".equals(BEHAVIOUR.getProperty(behaviour));
    }

    private static long millis(String behaviour) {
        return (long) (Double.parseDouble(BEHAVIOUR.getProperty(behaviour)) * 1000);
    }

    private static boolean past(String behaviour) {
        long listeningFor = (System.nanoTime() - listeningSince) / 1_000_000;
        return BEHAVIOUR.containsKey(behaviour) && listeningFor >= millis(behaviour);
    }

    // ---- its life

    private static void startUp() throws Exception {
        Thread.sleep(millis("start_s"));
        if (is("die_starting")) {
            Thread.sleep(300);
            throw new IllegalStateException("Error creating bean with name 'dataSource'",
                    new ConnectException("Connection to db.example:5432 refused"));
        }
    }

    private static void listen() throws IOException {
        int port = port();
        int managementPort = Integer.parseInt(setting("management.server.port", String.valueOf(port)));
        try {
            listeningSince = System.nanoTime();
            if (managementPort != port) {
                open(managementPort, false, true);
            }
            open(port, true, managementPort == port);
        } catch (BindException exception) {
            String stars = "\n***************************\n";
            log("ERROR", "\n" + stars + "APPLICATION FAILED TO START" + stars + "\nDescription:\n\n"
                    + "Web server failed to start. Port " + port + " was already in use.\n");
            Runtime.getRuntime().halt(1);
        }
    }

    private static void open(int port, boolean application, boolean health) throws IOException {
        Server server = new Server(new ServerSocket(port, 1024), application, health);
        SERVERS.add(server);
        new Thread(server::accept, "http-nio-" + port + "-Acceptor").start();
        log("INFO", "StandIn started on port " + port + " (http) with context path '/'");
    }

    private static void logMore() {
        int lines = Integer.parseInt(BEHAVIOUR.getProperty("log_lines"));
        for (int line = 1; line <= lines; line++) {
            log("INFO", "Line " + line + " of " + lines);
        }
    }

    private static void dieLater() throws InterruptedException {
        if (!BEHAVIOUR.containsKey("die_after_s")) {
            return;
        }
        Thread.sleep(millis("die_after_s"));
        new OutOfMemoryError("Java heap space").printStackTrace();
        Runtime.getRuntime().halt(1);
    }

    /** What SIGTERM runs. The JVM exits with 143 when this returns, and goes on serving until then. */
    private static void stop() {
        if (is("ignores_term")) {
            log("WARN", "SIGTERM ignored");
            sleepForEver();
        }
        if (SERVERS.isEmpty()) {
            return;
        }
        log("INFO", "Commencing graceful shutdown. Waiting for active requests to complete");
        stopping = true;
        SERVERS.forEach(Server::stopAccepting);
        long deadline = System.nanoTime() + graceMillis() * 1_000_000;
        while (SERVERS.stream().anyMatch(Server::isBusy)) {
            if (System.nanoTime() > deadline) {
                log("WARN", "Graceful shutdown aborted with one or more requests still active");
                return;
            }
            sleep(5);
        }
        log("INFO", "Graceful shutdown complete");
    }

    // ---- what it answers

    private static Answer answer(Request request, Server server) throws Exception {
        if (server.application && past("hang_after_s")) {
            sleepForEver();
        }
        sleep(request.delayMillis());
        String path = request.path();
        if (path.equals("/actuator/health") || path.startsWith("/actuator/health/")) {
            return server.health ? health() : text(404, "");
        }
        if (!server.application) {
            return text(404, "");
        }
        if (past("fail_after_s")) {
            return text(500, "Internal Server Error");
        }
        if (path.equals("/api/v1/profiles")) {
            return text(200, profile);
        }
        if (path.equals("/version")) {
            return text(200, version);
        }
        if (path.equals("/echo")) {
            String type = request.headers.getOrDefault("content-type", "application/octet-stream");
            return request.method.equals("POST") ? new Answer(200, type, request.body) : text(405, "");
        }
        return path.startsWith("/env/") ? environment(path.substring("/env/".length())) : text(404, "");
    }

    /** Null where the connection is to end without an answer. */
    private static Answer health() {
        String health = past("down_after_s") ? "part-up" : BEHAVIOUR.getProperty("health");
        return switch (health) {
            case "up" -> new Answer(200, ACTUATOR_JSON, bytes("{\"status\":\"UP\"}"));
            case "never-up" -> new Answer(503, ACTUATOR_JSON, bytes("{\"status\":\"OUT_OF_SERVICE\"}"));
            case "part-up" -> new Answer(503, ACTUATOR_JSON, bytes(PART_UP));
            case "part-up-200" -> new Answer(200, ACTUATOR_JSON, bytes(PART_UP));
            case "not-json" -> new Answer(200, "text/html", bytes("<title>Sign in</title><p>status: UP</p>"));
            case "no-answer" -> null;
            case "hang" -> {
                sleepForEver();
                yield null;
            }
            default -> throw new IllegalStateException("no such health: " + health);
        };
    }

    /** Whether a variable arrived, and what came of it, without showing it. */
    private static Answer environment(String name) throws Exception {
        String value = System.getenv(name);
        if (value == null) {
            return new Answer(200, JSON, bytes("{\"set\":false}"));
        }
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes(value));
        String hex = HexFormat.of().formatHex(digest);
        return new Answer(200, JSON, bytes("{\"set\":true,\"sha256\":\"" + hex + "\"}"));
    }

    private static Answer text(int status, String body) {
        return new Answer(status, TEXT, bytes(body));
    }

    private record Answer(int status, String type, byte[] body) {}

    // ---- HTTP/1.1

    private record Request(
            String method, String target, String protocol, Map<String, String> headers, byte[] body) {
        String path() {
            int query = target.indexOf('?');
            return query < 0 ? target : target.substring(0, query);
        }

        long delayMillis() {
            for (String pair : target.substring(target.indexOf('?') + 1).split("&")) {
                if (pair.matches("ms=\\d{1,9}")) {
                    return Long.parseLong(pair.substring(3));
                }
            }
            return 0;
        }

        boolean keepsAlive() {
            String connection = headers.getOrDefault("connection", "").toLowerCase(Locale.ROOT);
            return protocol.equals("HTTP/1.1") ? !connection.contains("close") : connection.contains("keep-alive");
        }
    }

    @SuppressWarnings("serial")
    private static final class Malformed extends IOException {
        final int status;

        Malformed(int status) {
            super(REASONS.get(status));
            this.status = status;
        }
    }

    /** One listening port: the application's, the management's, or both in one. */
    private static final class Server {
        final boolean application;
        final boolean health;
        private final ServerSocket socket;
        private final Set<Connection> connections = ConcurrentHashMap.newKeySet();

        Server(ServerSocket socket, boolean application, boolean health) {
            this.socket = socket;
            this.application = application;
            this.health = health;
        }

        void accept() {
            while (true) {
                try {
                    Connection connection = new Connection(socket.accept(), this);
                    connections.add(connection);
                    THREADS.execute(connection);
                } catch (IOException closed) {
                    if (socket.isClosed()) {
                        return;
                    }
                }
            }
        }

        void stopAccepting() {
            close(socket);
            connections.forEach(Connection::closeIfIdle);
        }

        boolean isBusy() {
            return !connections.isEmpty();
        }
    }

    private static final class Connection implements Runnable {
        // Longer than the 60 s nginx keeps an idle connection to an upstream: nginx is to be the one that closes.
        private static final int KEEP_ALIVE_MILLIS = 75_000;
        private static final int LONGEST_LINE = 16_384;
        private static final int LARGEST_BODY = 256 << 20;

        private final Socket socket;
        private final Server server;
        private final InputStream in;
        private final OutputStream out;
        private boolean idle;

        Connection(Socket socket, Server server) throws IOException {
            this.socket = socket;
            this.server = server;
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(KEEP_ALIVE_MILLIS);
            in = new BufferedInputStream(socket.getInputStream(), 16_384);
            out = new BufferedOutputStream(socket.getOutputStream(), 16_384);
        }

        @Override
        public void run() {
            try {
                while (requestBegins() && serveOne()) {
                    // the next request of the same connection
                }
                lingerAndClose();
            } catch (Malformed malformed) {
                refuse(malformed);
            } catch (IOException gone) {
                // the client left, or was idle too long
            } catch (Exception exception) {
                exception.printStackTrace();
            } finally {
                close(socket);
                server.connections.remove(this);
            }
        }

        private boolean requestBegins() throws IOException {
            synchronized (this) {
                if (stopping && in.available() == 0) {
                    return false;
                }
                idle = true;
            }
            in.mark(1);
            int first = in.read();
            in.reset();
            synchronized (this) {
                idle = false;
            }
            return first >= 0;
        }

        /** As Tomcat does when it stops. What has arrived, but was not read yet, is still served. */
        synchronized void closeIfIdle() {
            try {
                if (idle && socket.getInputStream().available() == 0) {
                    socket.close();
                }
            } catch (IOException gone) {
                close(socket);
            }
        }

        private boolean serveOne() throws Exception {
            Request request = read();
            if (server.application && request.path().equals("/stream")) {
                stream(request.delayMillis());
                return false;
            }
            if (server.application && request.path().equals("/socket")) {
                talk();
                return false;
            }
            Answer answer = StandIn.answer(request, server);
            if (answer == null) {
                return false;
            }
            boolean keepAlive = request.keepsAlive() && !stopping;
            write(answer, keepAlive, !request.method.equals("HEAD"));
            return keepAlive;
        }

        /** Server-sent events: the version, twice a second, and a last one in the end. */
        private void stream(long millis) throws IOException {
            // Without the header nginx would gather them.
            out.write(bytes("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no"
                    + "\r\nConnection: close\r\n\r\n"));
            long end = System.nanoTime() + millis * 1_000_000;
            while (System.nanoTime() < end) {
                out.write(bytes("data: " + version + "\n\n"));
                out.flush();
                sleep(500);
            }
            out.write(bytes("event: end\ndata: " + version + "\n\n"));
            out.flush();
        }

        /** What becomes of a connection that is upgraded, as a websocket: each line comes back with the version. */
        private void talk() throws IOException {
            out.write(bytes("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                    + "Upgrade: lines\r\n\r\n"));
            out.flush();
            try {
                while (true) {
                    out.write(bytes(version + " " + line() + "\n"));
                    out.flush();
                }
            } catch (EOFException over) {
                // the client has hung up
            }
        }

        private Request read() throws IOException {
            String[] first = line().split(" ");
            if (first.length != 3 || !first[2].startsWith("HTTP/1.")) {
                throw new Malformed(400);
            }
            Map<String, String> headers = new HashMap<>();
            for (String line = line(); !line.isEmpty(); line = line()) {
                int colon = line.indexOf(':');
                if (colon < 1 || headers.size() > 200) {
                    throw new Malformed(400);
                }
                headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
            }
            if (headers.getOrDefault("expect", "").equalsIgnoreCase("100-continue")) {
                out.write(bytes("HTTP/1.1 100 Continue\r\n\r\n"));
                out.flush();
            }
            return new Request(first[0], first[1], first[2], headers, body(headers));
        }

        private byte[] body(Map<String, String> headers) throws IOException {
            if (headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
                return chunks();
            }
            return exactly(length(headers.getOrDefault("content-length", "0"), 10));
        }

        private byte[] chunks() throws IOException {
            var whole = new ByteArrayOutputStream();
            for (int size = chunkSize(); size > 0; size = chunkSize()) {
                whole.write(exactly(size));
                line();
                if (whole.size() > LARGEST_BODY) {
                    throw new Malformed(413);
                }
            }
            while (!line().isEmpty()) {
                // trailers
            }
            return whole.toByteArray();
        }

        private int chunkSize() throws IOException {
            return length(line().split(";")[0].strip(), 16);
        }

        private int length(String digits, int radix) throws IOException {
            try {
                long length = Long.parseLong(digits, radix);
                if (length < 0) {
                    throw new Malformed(400);
                }
                if (length > LARGEST_BODY) {
                    throw new Malformed(413);
                }
                return (int) length;
            } catch (NumberFormatException exception) {
                throw new Malformed(400);
            }
        }

        private byte[] exactly(int length) throws IOException {
            byte[] bytes = in.readNBytes(length);
            if (bytes.length < length) {
                throw new EOFException();
            }
            return bytes;
        }

        private String line() throws IOException {
            StringBuilder line = new StringBuilder(64);
            for (int next = in.read(); next != '\n'; next = in.read()) {
                if (next < 0) {
                    throw new EOFException();
                }
                if (line.length() > LONGEST_LINE) {
                    throw new Malformed(400);
                }
                line.append((char) next);
            }
            int end = line.length();
            return end > 0 && line.charAt(end - 1) == '\r' ? line.substring(0, end - 1) : line.toString();
        }

        private void write(Answer answer, boolean keepAlive, boolean withBody) throws IOException {
            out.write(bytes("HTTP/1.1 " + answer.status + " " + REASONS.get(answer.status)
                    + "\r\nContent-Type: " + answer.type + "\r\nContent-Length: " + answer.body.length
                    + "\r\nX-Version: " + version + "\r\nX-Slot: " + profile
                    + "\r\nConnection: " + (keepAlive ? "keep-alive" : "close") + "\r\n\r\n"));
            if (withBody) {
                out.write(answer.body);
            }
            out.flush();
        }

        private void refuse(Malformed malformed) {
            try {
                write(text(malformed.status, malformed.getMessage()), false, true);
                lingerAndClose();
            } catch (IOException gone) {
                // there is nobody left to tell
            }
        }

        /** To close with bytes unread would be a reset, which can take the last answer with it (RFC 9112, 9.6). */
        private void lingerAndClose() throws IOException {
            socket.shutdownOutput();
            socket.setSoTimeout(1000);
            long deadline = System.nanoTime() + 1_000_000_000L;
            byte[] rest = new byte[8192];
            while (in.read(rest) >= 0 && System.nanoTime() < deadline) {
                // until the client has closed its side
            }
        }
    }

    // ---- ground

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void close(Closeable socket) {
        try {
            socket.close();
        } catch (IOException alreadyClosed) {
            // closed is what was wanted
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void sleepForEver() {
        sleep(Long.MAX_VALUE);
    }

    private static void log(String level, String message) {
        System.out.println(OffsetDateTime.now().truncatedTo(ChronoUnit.MILLIS) + "  " + level + " "
                + ProcessHandle.current().pid() + " --- [" + Thread.currentThread().getName() + "] StandIn : "
                + message);
    }
}
