export async function signInByKey() {
  return null;
}
export async function signOut() {}
