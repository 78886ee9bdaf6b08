package io.licentia;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The files of shared vectors. */
final class Vectors {
    private static final Path FOLDER = Path.of(System.getProperty("licentia.vectors"));
    private static final ObjectMapper JSON = new ObjectMapper();

    private Vectors() {}

    static JsonNode file(String name) {
        try {
            return JSON.readTree(FOLDER.resolve(name).toFile());
        } catch (IOException cause) {
            throw new UncheckedIOException(cause);
        }
    }

    static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException cause) {
            throw new UncheckedIOException(cause);
        }
    }

    /** Runs every test of a file, and fails unless there are as many as the file says. */
    static void each(String name, BiConsumer<JsonNode, JsonNode> test) {
        JsonNode file = file(name);
        int ran = 0;
        for (JsonNode group : file.get("testGroups")) {
            for (JsonNode one : group.get("tests")) {
                try {
                    test.accept(group, one);
                } catch (RuntimeException | AssertionError failed) {
                    throw new AssertionError(name + " " + one.get("tcId") + " " + one.path("comment"), failed);
                }
                ran++;
            }
        }
        if (ran == 0 || ran != file.get("numberOfTests").asInt()) {
            throw new AssertionError(ran + " tests of " + name + " ran, not " + file.get("numberOfTests"));
        }
        System.out.println("vectors: " + ran + " cases of " + name);
    }

    static @Nullable String text(JsonNode object, String name) {
        JsonNode found = object.path(name);
        return found.isTextual() ? found.asText() : null;
    }

    static byte[] hex(JsonNode object, String name) {
        return HexFormat.of().parseHex(object.get(name).asText());
    }
}
