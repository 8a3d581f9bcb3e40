import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;

/** The endpoints that answer with a length: health, profile, version, echo, files, environment. */
final class Endpoints {
    private static final String JSON = "application/json";
    private static final String ACTUATOR_JSON = "application/vnd.spring-boot.actuator.v3+json";
    private static final String PART_UP =
            "{\"status\":\"DOWN\",\"components\":{\"db\":{\"status\":\"DOWN\",\"details\":{\"error\":"
                    + "\"java.net.ConnectException: Connection refused\"}},\"ping\":{\"status\":\"UP\"}}}";

    /** Null if the connection must end without an answer. */
    static Answer answer(Request request, Server server) throws Exception {
        if (server.application && (Behaviour.isPast("hang_after_s") || Use.makes("hang"))) {
            Pause.forEver();
        }
        Pause.millis(request.delayMillis());
        String path = request.path();
        if (Behaviour.is("log_requests")) {
            Log.info(request.method() + " " + path + " host=" + request.headers().get("host")
                    + " proto=" + request.headers().get("x-forwarded-proto"));
        }
        if (insistsOnHttps(request)) {
            return Answer.redirect(301, "https://" + request.headers().get("host") + request.target());
        }
        if (path.equals(healthPath()) || path.startsWith(healthPath() + "/")) {
            return server.health ? health() : Answer.text(404, "");
        }
        if (!server.application) {
            return Answer.text(404, "");
        }
        if (Behaviour.isPast("fail_after_s") || Use.makes("fail")) {
            return Answer.text(500, "Internal Server Error");
        }
        boolean elsewhere = Behaviour.text("profile").equals("elsewhere");
        if (path.equals(elsewhere ? "/profile" : "/api/v1/profiles")) {
            return profile();
        }
        if (path.equals("/version")) {
            Use.begins();
            return Answer.text(200, Behaviour.VERSION);
        }
        if (path.equals("/echo")) {
            String type = request.headers().getOrDefault("content-type", "application/octet-stream");
            return request.method().equals("POST") ? new Answer(200, type, request.body()) : Answer.text(405, "");
        }
        if (path.startsWith("/files/")) {
            return file(request, path.substring("/files/".length()));
        }
        return path.startsWith("/env/") ? environment(path.substring("/env/".length())) : Answer.text(404, "");
    }

    /** A file of the working directory: POST appends to it, GET answers it, as an application keeps uploads. */
    private static Answer file(Request request, String name) throws Exception {
        Path file = Path.of(name).normalize();
        if (file.isAbsolute() || file.startsWith("..")) {
            return Answer.text(400, "");
        }
        if (request.method().equals("POST")) {
            if (file.getParent() != null) {
                Files.createDirectories(file.getParent());
            }
            Files.write(file, request.body(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            return Answer.text(200, "");
        }
        return Files.isRegularFile(file) ? Answer.text(200, Files.readString(file)) : Answer.text(404, "");
    }

    private static Answer profile() {
        String profile = Settings.profile();
        return switch (Behaviour.text("profile")) {
            case "json" -> Answer.of(200, JSON, "{\"active\": [\"" + profile + "\", \"common\"]}");
            case "port" -> Answer.text(200, String.valueOf(Settings.port()));
            default -> Answer.text(200, profile);
        };
    }

    private static boolean insistsOnHttps(Request request) {
        return switch (healthNow()) {
            case "https-always" -> true;
            case "https-only" -> !"https".equals(request.headers().get("x-forwarded-proto"));
            default -> false;
        };
    }

    private static String healthPath() {
        return healthNow().equals("elsewhere") ? "/manage/health" : "/actuator/health";
    }

    private static String healthNow() {
        if (Behaviour.isPast("up_after_s")) {
            return "up";
        }
        return Behaviour.isPast("down_after_s") ? "part-up" : Behaviour.text("health");
    }

    private static Answer health() {
        String health = healthNow();
        return switch (health) {
            case "up", "elsewhere", "https-only" -> Answer.of(200, ACTUATOR_JSON, "{\"status\":\"UP\"}");
            case "never-up" -> Answer.of(503, ACTUATOR_JSON, "{\"status\":\"OUT_OF_SERVICE\"}");
            case "part-up" -> Answer.of(503, ACTUATOR_JSON, PART_UP);
            case "part-up-200" -> Answer.of(200, ACTUATOR_JSON, PART_UP);
            case "unknown" -> Answer.of(200, ACTUATOR_JSON, "{\"status\":\"UNKNOWN\"}");
            case "no-status" -> Answer.of(200, JSON, "{\"app\":\"stand-in\"}");
            case "login" -> Answer.redirect(302, "/login");
            case "not-json" -> Answer.of(200, "text/html", "<title>Sign in</title><p>status: UP</p>");
            case "no-answer" -> null;
            case "hang" -> {
                Pause.forEver();
                yield null;
            }
            default -> Answer.text(Integer.parseInt(health), "");
        };
    }

    /** Whether an environment variable is set, and the hash of its value: a test can compare a secret unseen. */
    private static Answer environment(String name) throws Exception {
        String value = System.getenv(name);
        if (value == null) {
            return Answer.of(200, JSON, "{\"set\":false}");
        }
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(value.getBytes(StandardCharsets.UTF_8));
        String hex = HexFormat.of().formatHex(digest);
        return Answer.of(200, JSON, "{\"set\":true,\"sha256\":\"" + hex + "\"}");
    }
}
