package io.licentia;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.function.Predicate;

/** Licences of the shared vectors, for tests of behaviour. */
final class Samples {
    /** A licence, its key and a moment at which it is valid. */
    record Sample(String token, Key key, Moment now, JsonNode claims) {
        Gate gate() {
            return Gate.builder().key(key).build();
        }
    }

    private Samples() {}

    /** The first valid licence without a binding whose claims are as wanted. */
    static Sample find(Predicate<JsonNode> wanted) {
        for (JsonNode group : Vectors.file("license.json").get("testGroups")) {
            for (JsonNode test : group.get("tests")) {
                JsonNode claims = test.path("claims");
                if (test.get("result").asText().equals("valid")
                        && test.hasNonNull("token")
                        && claims.path("cnf").isNull()
                        && claims.path("node_locks").isEmpty()
                        && claims.path("aud").isEmpty()
                        && claims.path("maintained_until").isNull()
                        && group.get("keys").size() == 1
                        && wanted.test(claims)) {
                    return new Sample(
                            test.get("token").asText(),
                            Key.of(group.get("keys").get(0).asText()),
                            new Moment(test.get("now").asLong(), 0),
                            claims);
                }
            }
        }
        throw new AssertionError("no such licence is in the vectors");
    }

    /** The name of the first member of an object. */
    static String first(JsonNode object) {
        return object.fieldNames().next();
    }
}
