import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The Spring settings that the stand-in honours: profile, ports, grace of the shutdown. */
final class Settings {
    private static final Map<String, String> ARGUMENTS = new HashMap<>();
    private static String profile;

    static void read(String[] arguments) {
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (argument.startsWith("--") && equals > 0) {
                ARGUMENTS.put(argument.substring(2, equals), argument.substring(equals + 1));
            }
        }
        List<String> active = List.of(setting("spring.profiles.active", "default").split(","));
        profile = active.contains("prod1") ? "prod1" : active.contains("prod2") ? "prod2" : active.get(0);
    }

    /** The setting from Spring's sources in Spring's order: argument, system property, environment variable. */
    private static String setting(String name, String otherwise) {
        String inEnvironment = System.getenv(name.toUpperCase(Locale.ROOT).replace('.', '_').replace("-", ""));
        String inSystem = System.getProperty(name, inEnvironment == null ? otherwise : inEnvironment);
        return ARGUMENTS.getOrDefault(name, inSystem);
    }

    /** The slot if one of the active profiles is a slot, else the first active profile. */
    static String profile() {
        return profile;
    }

    static int port() {
        String ofProfile = Map.of("prod1", "8081", "prod2", "8082").getOrDefault(profile, "8080");
        return Integer.parseInt(setting("server.port", ofProfile));
    }

    static int managementPort() {
        return Integer.parseInt(setting("management.server.port", String.valueOf(port())));
    }

    /** The longest graceful shutdown. */
    static long graceMillis() {
        String grace = setting("spring.lifecycle.timeout-per-shutdown-phase", "30s");
        long number = Long.parseLong(grace.replaceAll("\\D", ""));
        return grace.endsWith("ms") ? number : number * 1000;
    }
}
