// What tests say when something is not as it should be.
export function same(found, expected, what) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
  }
}

/** Name of the code that a call throws. */
export function thrown(call) {
  try {
    call();
  } catch (error) {
    if (error?.name !== "LicentiaError") throw error;
    return error.codeName;
  }
  return "nothing";
}

export async function rejected(promise) {
  try {
    await promise;
  } catch (error) {
    if (error?.name !== "LicentiaError") throw error;
    return error.codeName;
  }
  return "nothing";
}
