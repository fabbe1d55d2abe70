import { describe, expect, test } from 'bun:test';
import { passwordProblem, passwordRule } from './password-rule.ts';

const production = passwordRule('production');
const development = passwordRule('development');

describe('production refuses what is guessed first', () => {
  for (const password of [
    'short',
    'fourteen chars',
    'passwordpassword',
    'Password123456789',
    'P@ssword 2026 admin',
    '123456789012345',
    '987654321098765',
    'qwertyuiopasdfgh',
    '1q2w3e4r5t6y7u8i',
    'aaaaaaaaaaaaaaaaaaaa',
    'abcabcabcabcabcabc',
    'correct horse battery staple',
    'mallory-mallory-mallory',
    'Mallory!password!123',
    'your-password-goes-here',
    'x'.repeat(1025),
  ]) {
    test(password.slice(0, 40), () => expect(passwordProblem(password, production, 'mallory')).toStartWith('must '));
  }
});

describe('production takes what is long and nobody’s first guess, whatever it is made of', () => {
  for (const password of [
    'winter kettle orbit lamp',
    'kq7-vmw2-9xtr-c0hp',
    'sieben graue Gänse am Bach',
    '春はあけぼのやうやう白くなりゆく山ぎは',
    'Zx9#'.concat('mR4!tL8&vQ2@'),
  ]) {
    test(password, () => expect(passwordProblem(password, production, 'mallory')).toBeNull());
  }
  test('a random one of hexadecimal digits', () => expect(passwordProblem('9f86d081884c7d659a2f', production, 'a')).toBeNull());
});

test('development asks for four characters and no more', () => {
  expect(passwordProblem('1234', development, 'admin')).toBeNull();
  expect(passwordProblem('123', development, 'admin')).toBe('must have between 4 and 1024 characters');
});

test('length is counted in characters as people count them', () => {
  expect(passwordProblem('🙂🙃😉', development, 'admin')).not.toBeNull();
  expect(passwordProblem('🙂🙃😉😊', development, 'admin')).toBeNull();
});
